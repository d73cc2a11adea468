"""The table that all of monitoring works on: a pandas DataFrame, a row an image.

Columns: `time` (UTC), `image_id`, `label`, `confidence`, `probability:<class>` (one a class), the
image's FEATURES, `width` and `height` (NaN without an image), `embedding:<k>`; and where the image
can be read again: `file`, `line` and `position` in its record.
"""

import numpy as np
import pandas as pd

FEATURES = ("brightness", "contrast", "sharpness", "colour")

PROBABILITY = "probability:"
EMBEDDING = "embedding:"


def probabilities(frame: pd.DataFrame) -> tuple[list[str], np.ndarray]:
    """Return the class names, in column order, and the probabilities, float32 N x C."""
    columns = [name for name in frame.columns if name.startswith(PROBABILITY)]
    return [name.removeprefix(PROBABILITY) for name in columns], _matrix(frame, columns)


def embeddings(frame: pd.DataFrame) -> np.ndarray:
    """Return the embeddings, float32 N x D; D is 0 where the table has none."""
    return _matrix(frame, [name for name in frame.columns if name.startswith(EMBEDDING)])


def _matrix(frame: pd.DataFrame, columns: list[str]) -> np.ndarray:
    return frame[columns].to_numpy(dtype=np.float32)
