"""Four numbers that say how a photo looks, whatever it shows."""

import numpy as np
from scipy.ndimage import laplace

# Rec. ITU-R BT.709-6, item 3.2: luma from R'G'B'.
RED, GREEN, BLUE = 0.2126, 0.7152, 0.0722
# Variance of the Laplacian in a photo of one colour is 0: below the noise of 8-bit rounding, the
# logarithm says nothing.
FLOOR = 1e-6
PIXELS_AT_ONCE = 2**18  # each takes some 40 bytes on the way


def features(pixels: np.ndarray) -> np.ndarray:
    """Pixels uint8 N x H x W x 3 -> float32 N x 4, in the order of `table.FEATURES`.

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
    count, height, width, _ = pixels.shape
    result = np.empty((count, 4), np.float32)
    step = max(1, PIXELS_AT_ONCE // (height * width))
    for start in range(0, count, step):
        result[start : start + step] = _features(pixels[start : start + step])
    return result


def _features(pixels: np.ndarray) -> np.ndarray:
    red, green, blue = np.moveaxis(pixels, 3, 0).astype(np.float32)
    luma = (RED * red + GREEN * green + BLUE * blue) / np.float32(255)
    laplacian = laplace(luma, axes=(1, 2))[:, 1:-1, 1:-1]
    rg = red - green
    yb = (red + green) / 2 - blue
    spread = rg.var((1, 2)) + yb.var((1, 2))
    offset = rg.mean((1, 2)) ** 2 + yb.mean((1, 2)) ** 2
    return np.stack(
        [
            luma.mean((1, 2)),
            luma.std((1, 2)),
            np.log10(FLOOR + laplacian.var((1, 2))),
            np.sqrt(spread) + 0.3 * np.sqrt(offset),
        ],
        1,
    )
