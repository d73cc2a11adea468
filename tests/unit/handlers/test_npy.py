import io

import numpy as np
import pytest

from handlers import npy


def pixels(count: int, size: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, size, size, 3), np.uint8)


@pytest.mark.parametrize(("count", "size"), [(1, 1), (1, 32), (200, 32), (3, 224), (12_345, 1)])
def test_numpy_reads_the_array(count, size):
    images = pixels(count, size)
    read = np.load(io.BytesIO(npy.encode(images.tobytes(), size)), allow_pickle=False)
    assert read.dtype == np.uint8
    assert np.array_equal(read, images)
    alone = npy.images(npy.encode(images.tobytes(), size), size)
    assert alone == [image.tobytes() for image in images]


@pytest.mark.parametrize(
    "array",
    [b"", b"\x93NUMPY\x01\x00", npy.encode(b"", 4), npy.encode(bytes(48), 4)[:-1], b"x" * 176],
)
def test_anything_else_is_refused(array):
    with pytest.raises(ValueError, match="no array of 4 x 4 images"):
        npy.images(array, 4)


def test_an_image_larger_than_a_call_takes_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        list(npy.parts([bytes(48)], 4, 150))
