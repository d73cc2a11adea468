"""Tables of captured images, and reports on them, as they could come out of a week of service."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from monitoring import findings

SPREAD = "baseline standard deviations"
WATCHED = {
    "confidence": ("confidence", "on its scale of 0 to 1", 0.071, (0.002, 0.011), (0.968, 0.907)),
    "label": ("label mix", "of the images", 0.14, (0.001, 0.043), None),
    "brightness": ("feature", SPREAD, 1.43, (0.03, 0.14), (128.2, 81.7)),
    "contrast": ("feature", SPREAD, 1.12, (0.03, 0.15), (58.1, 38.4)),
    "sharpness": ("feature", SPREAD, 1.31, (0.04, 0.16), (23.5, 9.7)),
    "colour": ("feature", SPREAD, 0.61, (0.03, 0.13), (34.0, 34.2)),
    "embedding": (
        "embedding",
        "on its scale of 0 to 1 (energy coefficient)",
        0.19,
        (0.001, 0.006),
        None,
    ),
}

UNTIL = datetime(2026, 11, 23, tzinfo=UTC)
SINCE = UNTIL - timedelta(days=7)
VEHICLES = ("bicycle", "motorcycle")
TEN = (
    *VEHICLES,
    "bus",
    "lawn_mower",
    "rocket",
    "pickup_truck",
    "streetcar",
    "tank",
    "tractor",
    "train",
)


def week(
    images: int = 5000,
    classes: tuple[str, ...] = VEHICLES,
    drifted_days: float = 1.2,
    seed: int = 7,
) -> pd.DataFrame:
    """A table of so many images over a week, by day more than by night.

    In the last `drifted_days` the pictures are darker and blurred, and confidence sinks.
    """
    rng = np.random.default_rng(seed)
    moments = np.sort(rng.uniform(0, 7 * 86400, 8 * images + 8))
    awake = 0.15 + np.clip(np.sin(2 * np.pi * (moments / 86400 - 0.3)), 0, None)
    chosen = rng.choice(len(moments), images, replace=False, p=awake / awake.sum())
    seconds = np.sort(moments[chosen])
    drifted = seconds > (7 - drifted_days) * 86400
    doubt = rng.normal(np.where(drifted, 2.4, 5.0), np.where(drifted, 1.7, 2.2))
    lowest = 1 / len(classes)
    confidence = lowest + (1 - lowest) / (1 + np.exp(-doubt))
    shares = np.linspace(1.4, 0.6, len(classes)) / len(classes)
    label = rng.choice(len(classes), images, p=shares / shares.sum())
    probability = np.repeat((1 - confidence) / max(1, len(classes) - 1), len(classes))
    probability = probability.reshape(images, len(classes))
    probability[np.arange(images), label] = confidence
    times = pd.Timestamp(SINCE) + pd.to_timedelta(seconds, unit="s")
    return pd.DataFrame(
        {
            "time": pd.Series(times).dt.as_unit("us"),
            "image_id": [f"{n:032x}" for n in range(images)],
            "label": pd.Series([classes[n] for n in label], dtype="str"),
            "confidence": confidence.astype(np.float32),
            **{f"probability:{name}": probability[:, n] for n, name in enumerate(classes)},
            "brightness": rng.normal(np.where(drifted, 82, 128), 30),
            "contrast": rng.normal(np.where(drifted, 38, 58), 12),
            "sharpness": rng.lognormal(np.where(drifted, 2.2, 3.1), 0.4),
            "colour": rng.normal(34, 9, images),
            **{f"embedding:{n}": rng.normal(size=images) for n in range(8)},
            "file": "capture/scones-vehicles-dev/AllTraffic/2026/11/22/10/04-12-000.jsonl",
            "line": np.arange(images) + 1,
            "position": np.zeros(images, int),
        }
    )


def latency(hours: int = 7 * 24) -> list[tuple[datetime, float, float, float]]:
    """p50, p95 and p99 in milliseconds, by hour."""
    rng = np.random.default_rng(3)
    busy = 1 + 0.4 * np.clip(np.sin(2 * np.pi * (np.arange(hours) / 24 - 0.3)), 0, None)
    p50 = 6.1 * busy * rng.lognormal(0, 0.05, hours)
    p95 = p50 * rng.lognormal(0.9, 0.1, hours)
    p99 = p95 * rng.lognormal(0.7, 0.25, hours)
    p99[-20:] *= 2.5
    times = [SINCE + timedelta(hours=n) for n in range(hours)]
    return list(zip(times, p50.tolist(), p95.tolist(), p99.tolist(), strict=True))


def drifts(violated: tuple[str, ...] = ("confidence", "brightness", "contrast", "sharpness")):
    """Everything that is watched; those named lie far outside of what chance does."""
    found = []
    for name, (group, unit, effect, band, values) in WATCHED.items():
        outside = name in violated
        found.append(
            findings.Drift(
                name=name,
                group=group,
                effect=effect if outside else sum(band) / 2,
                unit=unit,
                band=band,
                p_value=0.0005 if outside else 0.41,
                baseline=800,
                current=5000,
                violated=outside,
                baseline_value=values and values[0],
                current_value=values and values[outside],
            )
        )
    return found


def accuracy(labelled: int = 640) -> findings.Accuracy:
    """Expected accuracy, and true accuracy where images are labelled."""
    if not labelled:
        return findings.Accuracy(0.951, 0.948, 0.954, None, None, None, 0, expected_baseline=0.968)
    bins = []
    for low, images, right in ((0.5, 31, 18), (0.6, 40, 27), (0.7, 62, 44), (0.8, 97, 80)):
        bins.append(_bin(low, low + 0.1, images, right))
    bins.append(_bin(0.9, 1.0, 410, 398))
    return findings.Accuracy(
        expected=0.951,
        expected_low=0.948,
        expected_high=0.954,
        true=0.886,
        true_low=0.859,
        true_high=0.908,
        labelled=labelled,
        expected_baseline=0.968,
        expected_labelled=0.904,
        calibration_error=0.021,
        reliability=bins,
    )


def a_report(status: str = findings.VIOLATION, **changes) -> findings.Report:
    """A report of the week."""
    compared = drifts() if status == findings.VIOLATION else drifts(())
    gap = "12 images were captured, at least 100 are needed"
    fields = {
        "status": status,
        "reasons": [gap] if status == findings.NOT_ENOUGH_DATA else [],
        "since": SINCE,
        "until": UNTIL,
        "images": 5000,
        "unreadable": 2,
        "threshold": 0.96,
        "drifts": compared,
        "violations": [_violation(drift) for drift in compared if drift.violated],
        "accuracy": accuracy(),
        "share_accepted": 0.72,
        "endpoint": "scones-vehicles-dev",
    }
    return findings.Report(**{**fields, **changes})


def _bin(low: float, high: float, images: int, right: int) -> findings.ReliabilityBin:
    share = right / images
    margin = 1.96 * (share * (1 - share) / images) ** 0.5
    middle = (low + high) / 2 if high < 1 else 0.975
    return findings.ReliabilityBin(
        low, high, images, middle, share, share - margin, min(1.0, share + margin)
    )


def _violation(drift: findings.Drift) -> findings.Violation:
    return findings.Violation(
        drift.name,
        "baseline_drift_check",
        f"{drift.name} moved by {drift.effect:.3g} {drift.unit}, mean {drift.baseline_value:.3g} "
        f"before and {drift.current_value:.3g} now (p {drift.p_value:.2g})",
    )
