"""The table that all of monitoring works on: a pandas DataFrame, a row a photo.

Columns: `time` (UTC), `image_id`, `label`, `confidence`, `probability:<class>` (one a class, NaN
where a former model had other classes), the photo's FEATURES and, where a model computed them,
`embedding:<k>`; and where the photo can be read again: `file`, `line` and `position` in its record.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

NAMES = ("time", "image_id", "label", "confidence")
FEATURES = ("brightness", "contrast", "sharpness", "colour")
PROBABILITY = "probability:"
EMBEDDING = "embedding:"
PLACE = ("file", "line", "position")
EMPTY = pd.DataFrame({"time": pd.DatetimeIndex([], tz="UTC")}, columns=[*NAMES, *FEATURES, *PLACE])


def probabilities(frame: pd.DataFrame) -> tuple[list[str], np.ndarray]:
    """Return the class names, in column order, and the probabilities, float32 N x C."""
    columns = _columns(frame, PROBABILITY)
    names = [name.removeprefix(PROBABILITY) for name in columns]
    return names, frame[columns].to_numpy(dtype=np.float32)


def embeddings(frame: pd.DataFrame) -> np.ndarray:
    """Return the embeddings, float32 N x D; D is 0 where the table has none."""
    return frame[_columns(frame, EMBEDDING)].to_numpy(dtype=np.float32)


def without_embeddings(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table without its embeddings."""
    return frame.drop(columns=_columns(frame, EMBEDDING))


def join(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Return one table of any number, by time and place, with the classes of all of them."""
    frame = pd.concat(frames or [EMPTY], ignore_index=True)
    columns = [
        *NAMES,
        *_columns(frame, PROBABILITY),
        *FEATURES,
        *_columns(frame, EMBEDDING),
        *PLACE,
    ]
    return frame[columns].sort_values(["time", *PLACE], ignore_index=True)


def name_columns(prefix: str, names: Iterable, matrix: np.ndarray) -> dict[str, np.ndarray]:
    """Return a matrix's columns, each by the prefix and its name."""
    return {f"{prefix}{name}": column for name, column in zip(names, matrix.T, strict=True)}


def _columns(frame: pd.DataFrame, prefix: str) -> list[str]:
    return [name for name in frame.columns if name.startswith(prefix)]
