"""The table that all of monitoring works on: a pandas DataFrame, a row an image.

Columns: `time` (UTC), `image_id`, `label`, `confidence`, `probability:<class>` (one a class), the
image's FEATURES and `embedding:<k>` (NaN without an image); and where the image can be read again:
`file`, `line` and `position` in its record.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

FEATURES = ("brightness", "contrast", "sharpness", "colour")

PROBABILITY = "probability:"
EMBEDDING = "embedding:"


def probabilities(frame: pd.DataFrame) -> tuple[list[str], np.ndarray]:
    """Return the class names, in column order, and the probabilities, float32 N x C."""
    columns = _columns(frame, PROBABILITY)
    return [name.removeprefix(PROBABILITY) for name in columns], _matrix(frame, columns)


def embeddings(frame: pd.DataFrame) -> np.ndarray:
    """Return the embeddings, float32 N x D; D is 0 where the table has none."""
    return _matrix(frame, _columns(frame, EMBEDDING))


def without_embeddings(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table without its embeddings."""
    return frame.drop(columns=_columns(frame, EMBEDDING))


def is_known(frame: pd.DataFrame, name: str) -> np.ndarray:
    """Return of which images a column, or the `embedding`, is known, as bool N."""
    if name != "embedding":
        return frame[name].notna().to_numpy()
    vectors = embeddings(frame)
    return np.isfinite(vectors).all(1) & (vectors.shape[1] > 0)


def join(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Return one table of several, by time and place, with the classes of all of them."""
    frame = pd.concat(frames, ignore_index=True)
    columns = [
        *("time", "image_id", "label", "confidence"),
        *_columns(frame, PROBABILITY),
        *FEATURES,
        *_columns(frame, EMBEDDING),
        *("file", "line", "position"),
    ]
    return frame[columns].sort_values(["time", "file", "line", "position"], ignore_index=True)


def name_columns(prefix: str, names: Iterable, matrix: np.ndarray) -> dict[str, np.ndarray]:
    """Return a matrix's columns, each by the prefix and its name."""
    return {f"{prefix}{name}": column for name, column in zip(names, matrix.T, strict=True)}


def _columns(frame: pd.DataFrame, prefix: str) -> list[str]:
    return [name for name in frame.columns if name.startswith(prefix)]


def _matrix(frame: pd.DataFrame, columns: list[str]) -> np.ndarray:
    return frame[columns].to_numpy(dtype=np.float32)
