"""Which photos the gallery shows, and what becomes of those it cannot read."""

from monitoring import gallery
from tests.monitoring.frames import read_image, week


def test_the_least_confident_photos_come_first_and_each_once():
    frame = week(60)
    frame.loc[1, "image_id"] = frame.loc[0, "image_id"]
    tiles = gallery.least_confident(frame, read_image, 60)
    assert len(tiles) == 59
    assert [tile.row.confidence for tile in tiles] == sorted(tile.row.confidence for tile in tiles)
    assert {tile.problem for tile in tiles if tile.image is None} == {"the line is cut"}


def test_a_photo_that_is_gone_leaves_a_tile_that_says_why():
    def read(*place):
        raise FileNotFoundError("it is gone")

    (tile,) = gallery.least_confident(week(1), read)
    assert (tile.image, tile.problem) == (None, "it is gone")
