"""Tables of images that a simulated model has seen."""

import numpy as np
import pandas as pd

from monitoring import table

CLASSES = ("bicycle", "motorcycle")


def frame(
    count: int,
    seed: int,
    *,
    brighter: float = 0.0,
    bicycles: float = 0.5,
    surer: float = 12.0,
    moved: float = 0.0,
    width: int = 8,
) -> pd.DataFrame:
    """A table of `count` images.

    brighter: by so many standard deviations; bicycles: their share; surer: the higher, the
    higher the confidences; moved: how far the embeddings lie from the origin.
    """
    rng = np.random.default_rng(seed)
    label = np.where(rng.random(count) < bicycles, *CLASSES)
    confidence = 0.5 + 0.5 * rng.beta(surer, 1, count)
    columns = {
        "time": pd.date_range("2026-11-02", periods=count, freq="min", tz="UTC"),
        "image_id": [f"{seed}-{number}" for number in range(count)],
        "label": label,
        "confidence": confidence.astype(np.float32),
    }
    for name in CLASSES:
        columns[table.PROBABILITY + name] = np.where(label == name, confidence, 1 - confidence)
    for name in table.FEATURES:
        columns[name] = rng.normal(0.5, 0.1, count)
    columns["brightness"] = columns["brightness"] + 0.1 * brighter
    vectors = rng.normal(moved, 1, (count, width)).astype(np.float32)
    for number in range(width):
        columns[f"{table.EMBEDDING}{number}"] = vectors[:, number]
    return pd.DataFrame(columns)
