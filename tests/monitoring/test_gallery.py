"""Which images the gallery shows, and what becomes of those it cannot read."""

import numpy as np

from monitoring import gallery
from tests.monitoring.frames import week
from tests.monitoring.pictured import read_image


def test_the_least_confident_images_come_first_and_each_once():
    frame = week(60)
    frame.loc[frame.index[1], "image_id"] = frame["image_id"].iloc[0]
    tiles = gallery.least_confident(frame, read_image, 60)
    assert len(tiles) == 59
    assert [tile.row.confidence for tile in tiles] == sorted(tile.row.confidence for tile in tiles)


def test_rows_without_an_image_are_left_out():
    frame = week(10)
    frame["brightness"] = np.where(np.arange(10) < 7, np.nan, 0.5)
    assert len(gallery.least_confident(frame, read_image)) == 3


def test_an_image_that_is_gone_leaves_a_tile_that_says_why():
    def read(*place):
        raise FileNotFoundError("it is gone")

    (tile,) = gallery.least_confident(week(1), read)
    assert tile.image is None
    assert tile.problem == "it is gone"
