import hashlib
import io
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from scripts.generator import bad_images, drift
from scripts.generator.canvas import SIDE
from scripts.generator.sampling import Drawn
from scripts.generator.source import ImageSource

VEHICLES = Drawn(("bicycle", "motorcycle"))


def bodies(source: ImageSource, numbers) -> list[bytes]:
    return [source[number].make() for number in numbers]


def pixels(source: ImageSource, count: int) -> np.ndarray:
    """Grey levels N x S x S of a source's first images."""
    return np.stack(
        [
            np.asarray(Image.open(io.BytesIO(body)).convert("L"), np.float32)
            for body in bodies(source, range(count))
        ]
    )


def test_the_same_seed_gives_the_same_bytes_in_any_order_and_thread():
    numbers = list(range(40))
    first = bodies(ImageSource(5, VEHICLES, bad=0.3), numbers)
    backwards = bodies(ImageSource(5, VEHICLES, bad=0.3), numbers[::-1])[::-1]
    with ThreadPoolExecutor(4) as pool:
        source = ImageSource(5, VEHICLES, bad=0.3)
        threaded = list(pool.map(lambda number: source[number].make(), numbers))
    digests = [[hashlib.sha256(body).digest() for body in each] for each in (first, backwards)]
    assert digests[0] == digests[1]
    assert first == threaded


def test_another_seed_and_another_number_give_other_photos():
    photos = bodies(ImageSource(5, VEHICLES), range(20)) + bodies(
        ImageSource(6, VEHICLES), range(20)
    )
    assert len(set(photos)) == 40


def test_a_photo_is_a_jpeg_named_for_what_it_shows():
    images = [ImageSource(1, VEHICLES)[number] for number in range(20)]
    assert {image.label for image in images} == {"bicycle", "motorcycle"}
    for number, image in enumerate(images):
        assert image.name == f"{number:07d}-{image.label}.jpg"
        assert (image.bad, image.error) == (None, None)
        opened = Image.open(io.BytesIO(image.make()))
        assert (opened.format, opened.mode, opened.size) == ("JPEG", "RGB", (SIDE, SIDE))


@pytest.mark.parametrize("share", [0.05, 0.2, 1])
def test_bad_images_have_their_share_and_every_kind_its_turn(share):
    source = ImageSource(2, VEHICLES, bad=share)
    kinds = Counter(source[number].bad for number in range(1200))
    good = kinds.pop(None, 0)
    assert abs((1200 - good) - 1200 * share) <= 1
    assert set(kinds) == set(bad_images.KINDS)
    assert max(kinds.values()) - min(kinds.values()) <= 1


def test_a_bad_image_says_which_error_it_must_end_with():
    source = ImageSource(3, VEHICLES, bad=1)
    for number in range(len(bad_images.KINDS)):
        image = source[number]
        assert image.error == bad_images.KINDS[image.bad].error
        assert image.label is None
        assert image.bad in image.name


def test_good_images_stay_the_same_whatever_the_share_of_bad_ones():
    without, some = ImageSource(4, VEHICLES), ImageSource(4, VEHICLES, bad=0.5)
    good = [number for number in range(20) if some[number].bad is None]
    assert len(good) == 10
    assert bodies(some, good) == bodies(without, good)


def test_sources_that_differ_have_different_digests():
    sources = [
        ImageSource(1, VEHICLES),
        ImageSource(1, VEHICLES, bad=0.1),
        ImageSource(1, VEHICLES, drifted=drift.DARKER),
        ImageSource(1, Drawn(("truck",))),
    ]
    assert len({source.digest() for source in sources}) == 4
    assert ImageSource(1, VEHICLES).digest() == sources[0].digest()


def effect(drifted: np.ndarray, clean: np.ndarray) -> float:
    """The difference of the means, in standard deviations of the clean."""
    return float((drifted.mean() - clean.mean()) / clean.std())


def test_darker_photos_are_told_by_their_mean_brightness():
    clean, dark = (pixels(ImageSource(1, VEHICLES, drifted=each), 40) for each in (None, "darker"))
    assert effect(dark.mean((1, 2)), clean.mean((1, 2))) < -2


def test_blurred_photos_are_told_by_their_edges_and_not_by_their_brightness():
    clean, soft = (pixels(ImageSource(1, VEHICLES, drifted=each), 40) for each in (None, "blurred"))
    edges = [np.abs(np.diff(each[:, ::4, ::4])).mean((1, 2)) for each in (soft, clean)]
    assert effect(*edges) < -2
    assert abs(effect(soft.mean((1, 2)), clean.mean((1, 2)))) < 0.2
