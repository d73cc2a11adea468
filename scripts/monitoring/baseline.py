"""A baseline: the images that later ones are held against, and the constraints they set."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scripts.cli import UserError
from scripts.monitoring import model_monitor, places, table

ROWS = "baseline.npz"
ROWS_KEPT = 5000
SEED = 0
COLUMNS = ("label", "confidence", *table.FEATURES)


@dataclass(frozen=True)
class Baseline:
    """frame: the kept rows' label, confidence, features, probabilities and embeddings.

    images: how many there were. origin: where from, in words. model: the URI of the model that
    answered, or empty where that is not known.
    """

    frame: pd.DataFrame
    statistics: dict
    constraints: dict
    images: int
    origin: str
    model: str


def make(
    frame: pd.DataFrame,
    origin: str,
    model: str,
    minimum_images: int,
    minimum_effects: Mapping[str, float],
) -> Baseline:
    """Return the baseline of a table. UserError if it has fewer rows than `minimum_images`."""
    if len(frame) < minimum_images:
        raise UserError(
            f"{len(frame):,} images are too few for a baseline, which takes at least "
            f"{minimum_images:,} (monitoring.minimum_images in config.yml): {origin}."
        )
    kept = frame
    if len(frame) > ROWS_KEPT:
        kept = frame.sample(ROWS_KEPT, random_state=SEED)
    return Baseline(
        frame=kept.reset_index(drop=True),
        statistics=model_monitor.statistics(frame),
        constraints=model_monitor.constraints(frame, minimum_effects),
        images=len(frame),
        origin=origin,
        model=model,
    )


def write(s3, place: str, baseline: Baseline) -> list[str]:
    """Write the baseline's three files to an S3 prefix or a folder; return where they lie.

    The rows come last: whoever finds them finds a whole baseline.
    """
    return [
        places.put(s3, place, name, body, content_type)
        for name, body, content_type in (
            (model_monitor.STATISTICS, _json(baseline.statistics), "application/json"),
            (model_monitor.CONSTRAINTS, _json(baseline.constraints), "application/json"),
            (ROWS, _rows(baseline), "application/octet-stream"),
        )
    ]


def read(s3, place: str) -> Baseline | None:
    """Return the baseline at a place, or None where there is none. UserError if it is broken."""
    rows = places.get(s3, place, ROWS)
    if rows is None:
        return None
    try:
        with np.load(io.BytesIO(rows), allow_pickle=False) as arrays:
            columns = {name: arrays[name] for name in COLUMNS}
            classes = [str(name) for name in arrays["classes"]]
            columns |= _spread(table.PROBABILITY, classes, arrays["probabilities"])
            columns |= _spread(table.EMBEDDING, None, arrays["embeddings"])
            about = json.loads(str(arrays["about"]))
        statistics, constraints = (
            json.loads(places.get(s3, place, name) or b"")
            for name in (model_monitor.STATISTICS, model_monitor.CONSTRAINTS)
        )
        model_monitor.minimum_effects(constraints)
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise UserError(
            f"The baseline at {place} cannot be read ({error}); make it anew."
        ) from None
    return Baseline(pd.DataFrame(columns), statistics, constraints, **about)


def _json(content: dict) -> bytes:
    return (json.dumps(content, indent=2) + "\n").encode()


def _rows(baseline: Baseline) -> bytes:
    classes, probabilities = table.probabilities(baseline.frame)
    about = {"images": baseline.images, "origin": baseline.origin, "model": baseline.model}
    numbers = ("confidence", *table.FEATURES)
    file = io.BytesIO()
    np.savez_compressed(
        file,
        label=baseline.frame["label"].to_numpy(dtype=str),
        **{name: baseline.frame[name].to_numpy(dtype=np.float32) for name in numbers},
        classes=np.array(classes, dtype=str),
        probabilities=probabilities,
        embeddings=table.embeddings(baseline.frame),
        about=np.array(json.dumps(about)),
    )
    return file.getvalue()


def _spread(prefix: str, names: list[str] | None, matrix: np.ndarray) -> dict[str, np.ndarray]:
    names = names or [str(number) for number in range(matrix.shape[1])]
    return {f"{prefix}{name}": column for name, column in zip(names, matrix.T, strict=True)}
