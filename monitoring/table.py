"""The table that all of monitoring works on: a pandas DataFrame with a row for each photo.

Columns: `time` (UTC), `image_id`, `label`, `confidence`, `probability:<class>` (one a class, NaN
where a former model had other classes), the photo's FEATURES and, where a model computed them,
`embedding:<k>`; and where the photo can be read again: `file`, `line` and `position` in its record.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.ndimage import laplace

NAMES = ("time", "image_id", "label", "confidence")
FEATURES = ("brightness", "contrast", "sharpness", "colour")
PROBABILITY = "probability:"
SUM_TOLERANCE = 1e-3  # by which the probabilities of an answer may miss their sum
EMBEDDING = "embedding:"
PLACE = ("file", "line", "position")
# Rec. ITU-R BT.709-6, item 3.2: luma from R'G'B'.
RED, GREEN, BLUE = 0.2126, 0.7152, 0.0722
# Variance of the Laplacian in a photo of one colour is 0: below the noise of 8-bit rounding, the
# logarithm says nothing.
FLOOR = 1e-6
PIXELS_AT_ONCE = 2**18  # each takes some 40 bytes on the way
EMPTY = pd.DataFrame({"time": pd.DatetimeIndex([], tz="UTC")}, columns=[*NAMES, *FEATURES, *PLACE])


def probabilities(frame: pd.DataFrame) -> tuple[list[str], np.ndarray]:
    """Return the class names, in column order, and the probabilities, float32 N x C."""
    columns = _columns(frame, PROBABILITY)
    names = [name.removeprefix(PROBABILITY) for name in columns]
    return names, frame[columns].to_numpy(dtype=np.float32)


def no_class(frame: pd.DataFrame) -> np.ndarray:
    """Return the probabilities that photos are of none of the classes, float32 N.

    They are 0, but for rounding, of a model that knows no strangers.
    """
    return 1 - np.nansum(probabilities(frame)[1], axis=1)


def embeddings(frame: pd.DataFrame) -> np.ndarray:
    """Return the embeddings, float32 N x D; D is 0 where the table has none."""
    return frame[_columns(frame, EMBEDDING)].to_numpy(dtype=np.float32)


def without_embeddings(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table without its embeddings."""
    return frame.drop(columns=_columns(frame, EMBEDDING))


def join(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Return one table of any number, by time and place, with the classes of all of them."""
    frame = pd.concat(frames or [EMPTY], ignore_index=True)
    probabilities, embeddings = _columns(frame, PROBABILITY), _columns(frame, EMBEDDING)
    columns = [*NAMES, *probabilities, *FEATURES, *embeddings, *PLACE]
    return frame[columns].sort_values(["time", *PLACE], ignore_index=True)


def name_columns(prefix: str, names: Iterable, matrix: np.ndarray) -> dict[str, np.ndarray]:
    """Return a matrix's columns, each by the prefix and its name."""
    return {f"{prefix}{name}": column for name, column in zip(names, matrix.T, strict=True)}


def measure_features(pixels: np.ndarray) -> np.ndarray:
    """Return how photos, uint8 N x H x W x 3, look: float32 N x 4, in the order of FEATURES.

    brightness: the mean of luma, 0 to 1.
    contrast: the standard deviation of luma ("RMS contrast": E. Peli, Contrast in complex images,
        Journal of the Optical Society of America A 7, 1990), 0 to 0.5.
    sharpness: log10 of FLOOR + the variance of luma's Laplacian, four neighbours, the outermost
        pixels left out (J. L. Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy: a
        comparative study, ICPR 2000); -6 for a photo of one colour.
    colour: colourfulness, sqrt(var rg + var yb) + 0.3 sqrt(mean(rg)^2 + mean(yb)^2) with rg = R - G
        and yb = (R + G) / 2 - B, from 0 (grey) past 100 (garish) (D. Hasler and S. Suesstrunk,
        Measuring colourfulness in natural images, Human Vision and Electronic Imaging VIII, 2003).
    """
    step = max(1, PIXELS_AT_ONCE // (pixels.shape[1] * pixels.shape[2]))
    parts = [_features(pixels[start : start + step]) for start in range(0, len(pixels), step)]
    return np.concatenate(parts)


def _features(pixels: np.ndarray) -> np.ndarray:
    red, green, blue = np.moveaxis(pixels, 3, 0).astype(np.float32)
    luma = (RED * red + GREEN * green + BLUE * blue) / np.float32(255)
    laplacian = laplace(luma, axes=(1, 2))[:, 1:-1, 1:-1]
    rg = red - green
    yb = (red + green) / 2 - blue
    spread = rg.var((1, 2)) + yb.var((1, 2))
    offset = rg.mean((1, 2)) ** 2 + yb.mean((1, 2)) ** 2
    sharpness = np.log10(FLOOR + laplacian.var((1, 2)))
    colour = np.sqrt(spread) + 0.3 * np.sqrt(offset)
    return np.stack([luma.mean((1, 2)), luma.std((1, 2)), sharpness, colour], 1)


def _columns(frame: pd.DataFrame, prefix: str) -> list[str]:
    return [name for name in frame.columns if name.startswith(prefix)]
