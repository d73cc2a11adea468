"""The four numbers, against pictures of which they are known."""

import numpy as np
import pytest
from PIL import Image

from monitoring import table

SIDE = 24


def measure(*pictures) -> list[dict[str, float]]:
    numbers = table.measure_features(np.stack([np.asarray(picture) for picture in pictures]))
    assert numbers.dtype == np.float32
    return [dict(zip(table.FEATURES, row, strict=True)) for row in numbers.tolist()]


@pytest.mark.parametrize(
    ("colour", "brightness", "colourfulness"),
    [
        ("black", 0, 0),
        ("white", 1, 0),
        ("#808080", 128 / 255, 0),
        # 0.3 times the length of (rg, yb), which are 255 and 127.5, -255 and 127.5, 0 and -255
        ("#f00", 0.2126, 0.3 * np.hypot(255, 127.5)),
        ("#0f0", 0.7152, 0.3 * np.hypot(255, 127.5)),
        ("#00f", 0.0722, 0.3 * 255),
    ],
)
def test_a_picture_of_one_colour(colour, brightness, colourfulness):
    (numbers,) = measure(Image.new("RGB", (SIDE, SIDE), colour))
    assert numbers["brightness"] == pytest.approx(brightness, abs=1e-5)
    assert numbers["contrast"] == pytest.approx(0, abs=1e-5)
    assert numbers["sharpness"] == pytest.approx(-6, abs=1e-2)
    assert numbers["colour"] == pytest.approx(colourfulness, abs=1e-3)


def test_half_black_half_white_has_the_largest_contrast():
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    pixels[:, SIDE // 2 :] = 255
    (numbers,) = measure(pixels)
    assert numbers["contrast"] == pytest.approx(0.5)
    # Of 22 x 22 inner pixels, a column is at +1 and a column at -1 of the Laplacian.
    assert numbers["sharpness"] == pytest.approx(np.log10(2 / (SIDE - 2)), abs=1e-4)


def test_each_picture_is_measured_by_itself_however_many_there_are(monkeypatch):
    pictures = np.random.default_rng(0).integers(0, 256, (7, SIDE, SIDE, 3), np.uint8)
    together = table.measure_features(pictures)
    monkeypatch.setattr(table, "PIXELS_AT_ONCE", 2 * SIDE**2)
    np.testing.assert_array_equal(table.measure_features(pictures), together)
    alone = [table.measure_features(picture[None])[0] for picture in pictures]
    np.testing.assert_allclose(alone, together, rtol=1e-6)
