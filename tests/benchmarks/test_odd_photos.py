"""Drawn photos that show nothing a model knows."""

import numpy as np
import pytest

from benchmarks import odd_photos
from tests.labelled import pixels


@pytest.mark.parametrize("kind", odd_photos.KINDS)
def test_a_seed_gives_the_same_photos_and_another_seed_others(kind):
    first, again, others = (odd_photos.make(kind, 5, 32, seed) for seed in (0, 0, 1))
    assert first.shape == (5, 32, 32, 3)
    assert first.dtype == np.uint8
    assert len(pixels(first)) == 5
    np.testing.assert_array_equal(first, again)
    assert not pixels(first) & pixels(others)


def test_kinds_are_what_they_are_called():
    photos = {kind: odd_photos.make(kind, 20, 32).astype(float) for kind in odd_photos.KINDS}
    assert photos["plain colours"].std((1, 2)).max() == 0
    assert photos["black photos"].mean((1, 2, 3)).max() < 20
    assert photos["noise"].std((1, 2, 3)).mean() > 40
    assert photos["drawn shapes"].std((1, 2)).max(1).min() > 0
