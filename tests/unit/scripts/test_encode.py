import io
import time

import numpy as np
from PIL import Image

from scripts.data import encode
from scripts.data.images import LabelledImages

ROWS = LabelledImages(
    images=np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8),
    labels=np.array([0, 1, 0, 1]),
    names=np.array(["a", "b", "c", "d"]),
)


def test_arrays_come_back_without_pickles():
    with np.load(io.BytesIO(encode.npz(ROWS, ("x", "y"))), allow_pickle=False) as arrays:
        assert sorted(arrays) == ["classes", "images", "labels", "names"]
        assert (arrays["images"] == ROWS.images).all()
        assert arrays["images"].dtype == np.uint8
        assert arrays["labels"].dtype == np.int64
        assert arrays["names"].tolist() == ["a", "b", "c", "d"]
        assert arrays["classes"].tolist() == ["x", "y"]


def test_arrays_are_the_same_bytes_at_another_time(monkeypatch):
    first = encode.npz(ROWS, ("x", "y"))
    later = time.localtime(time.time() + 1e8)
    monkeypatch.setattr(time, "localtime", lambda *_: later)
    assert encode.npz(ROWS, ("x", "y")) == first


def test_a_png_holds_the_very_pixels_and_is_the_same_bytes_again():
    first = encode.png(ROWS.images[0])
    assert (np.asarray(Image.open(io.BytesIO(first))) == ROWS.images[0]).all()
    assert encode.png(ROWS.images[0]) == first
