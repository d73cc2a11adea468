"""Tables of captured photos, and a report on them, as they could come out of a week of service."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
from PIL import Image

from monitoring import drift, table
from monitoring.accuracy import Accuracy
from monitoring.assessment import NOT_ENOUGH_DATA, VIOLATION, Report, Violation
from monitoring.drift import Drift
from monitoring.files import Span

UNTIL = datetime(2026, 11, 23, tzinfo=UTC)
SINCE = UNTIL - timedelta(days=7)
VEHICLES = ("bicycle", "motorcycle")

# Of each property: effect, band, mean before and now.
DRIFTS = {
    "confidence": (0.071, (0.002, 0.011), (0.968, 0.907)),
    "label": (0.14, (0.001, 0.043), (None, None)),
    "brightness": (1.43, (0.03, 0.14), (128.2, 81.7)),
    "contrast": (1.12, (0.03, 0.15), (58.1, 38.4)),
    "sharpness": (1.31, (0.04, 0.16), (23.5, 9.7)),
    "colour": (0.61, (0.03, 0.13), (34.0, 34.2)),
    "embedding": (0.19, (0.001, 0.006), (None, None)),
}

MINIMUM_EFFECTS = {"confidence": 0.02, "label": 0.05, "embedding": 0.01}


def simulate(
    count: int,
    seed: int,
    *,
    brighter: float = 0.0,
    bicycles: float = 0.5,
    surer: float = 12.0,
    moved: float = 0.0,
    width: int = 8,
) -> pd.DataFrame:
    """A table of `count` photos.

    brighter: by so many standard deviations; bicycles: their share; surer: the higher, the
    higher the confidences; moved: how far the embeddings lie from the origin.
    """
    rng = np.random.default_rng(seed)
    label = np.where(rng.random(count) < bicycles, *VEHICLES)
    confidence = 0.5 + 0.5 * rng.beta(surer, 1, count)
    features = {name: rng.normal(0.5, 0.1, count) for name in table.FEATURES}
    features["brightness"] += 0.1 * brighter
    vectors = rng.normal(moved, 1, (count, width)).astype(np.float32)
    return pd.DataFrame(
        {
            "time": pd.date_range("2026-11-02", periods=count, freq="min", tz="UTC"),
            "image_id": [f"{seed}-{number}" for number in range(count)],
            "label": label,
            "confidence": confidence.astype(np.float32),
            **{
                table.PROBABILITY + name: np.where(label == name, confidence, 1 - confidence)
                for name in VEHICLES
            },
            **features,
            **table.name_columns(table.EMBEDDING, range(width), vectors),
        }
    )


def week(count: int, classes: tuple[str, ...] = VEHICLES) -> pd.DataFrame:
    """A table of so many photos, evenly over a week; on its last day confidence sinks."""
    frame = simulate(count, seed=7).drop(columns=[table.PROBABILITY + name for name in VEHICLES])
    frame["time"] = pd.date_range(SINCE, UNTIL, count + 1)[:count]
    frame["label"] = pd.Series(np.resize(classes, count), dtype="str")
    frame.loc[frame["time"] > UNTIL - timedelta(days=1), "confidence"] *= 0.8
    return frame.assign(
        **{table.PROBABILITY + name: 1 / len(classes) for name in classes},
        file="capture/scones-vehicles-dev/AllTraffic/2026/11/22/10/04-12-000.jsonl",
        line=np.arange(count) + 1,
        position=0,
    )


def read_image(file: str, line: int, position: int) -> Image.Image:
    """A grey picture for each line; each seventh cannot be read."""
    if line % 7 == 0:
        raise ValueError("the line is cut")
    return Image.fromarray(np.full((32, 32, 3), line % 256, np.uint8))


def drifts(*violated: str) -> list[Drift]:
    """Everything that is watched; those named lie far outside of what chance does."""
    return [
        Drift(
            name=name,
            effect=effect if name in violated else sum(band) / 2,
            minimum_effect=MINIMUM_EFFECTS.get(name, 0.2),
            unit=drift.PROPERTIES[name].unit,
            band=band,
            p_value=0.0005 if name in violated else 0.41,
            baseline=800,
            current=5000,
            violated=name in violated,
            baseline_mean=means[0],
            current_mean=means[name in violated],
        )
        for name, (effect, band, means) in DRIFTS.items()
    ]


EXPECTED = Accuracy(0.951, 0.948, 0.954)
ACCURACY = Accuracy(0.951, 0.948, 0.954, 640, 0.904, 0.886, 0.859, 0.908)


def make_report(status: str = VIOLATION, **changes) -> Report:
    """A report of the week."""
    names = ("confidence", "brightness", "contrast", "sharpness") if status == VIOLATION else ()
    gap = "12 photos were captured, at least 100 are needed"
    fields = {
        "span": Span(SINCE, UNTIL),
        "endpoint": "scones-vehicles-dev",
        "images": 5000,
        "unreadable": 2,
        "threshold": 0.96,
        "share_accepted": 0.72,
        "likely_strangers": 310,
        "accuracy": ACCURACY,
        "drifts": drifts(*names),
        "violations": [Violation(name, f"{name} moved by much") for name in names],
        "reasons": [gap] if status == NOT_ENOUGH_DATA else [],
        "notes": [],
    }
    return Report(**(fields | changes))
