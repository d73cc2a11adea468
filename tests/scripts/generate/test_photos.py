import io
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from scripts.etl.archive import CIFAR10, CIFAR10_CLASSES
from scripts.generate import bad_images, photos
from scripts.generate.photos import SIDE, PhotoSource, Supply
from service import labelled_images
from service.labelled_images import LabelledImages
from service.terminal import UserError
from tests.labelled import pixels
from tests.unit.scripts import archives
from tests.unit.service.memory_s3 import MemoryS3

CLASSES = ("bicycle", "motorcycle")


def rows(count: int, classes: int = 2) -> LabelledImages:
    """Smooth photos, each of a brightness of its own."""
    ramp = np.linspace(0, 40, 32, dtype=np.uint8)
    levels = np.linspace(40, 200, count, dtype=np.uint8)
    images = np.broadcast_to((levels[:, None] + ramp)[:, :, None, None], (count, 32, 32, 3))
    return LabelledImages(
        images, np.arange(count) % classes, np.array([f"n{i}" for i in range(count)])
    )


def noise(count: int) -> LabelledImages:
    """Photos full of edges."""
    levels = np.random.default_rng(0).normal(128, 25, (count, 32, 32, 1))
    images = np.clip(np.repeat(levels, 3, 3), 0, 255).astype(np.uint8)
    return LabelledImages(images, np.arange(count) % 2, np.arange(count).astype(str))


SUPPLY = Supply("test", rows(6), CLASSES)


def put_dataset(s3: MemoryS3, name: str) -> None:
    description = json.dumps({"name": name, "classes": CLASSES}).encode()
    s3.put_object("b", f"datasets/{name}/dataset.json", description, "")
    body = labelled_images.encode_npz(rows(4), CLASSES, rows(0).images)
    s3.put_object("b", f"datasets/{name}/arrays/test/data.npz", body, "")


def grey(source: PhotoSource, count: int) -> np.ndarray:
    """Grey levels N x S x S of a source's first photos."""
    opened = (Image.open(io.BytesIO(body)).convert("L") for body in bodies(source, range(count)))
    return np.stack([np.asarray(image, np.float32) for image in opened])


def bodies(source: PhotoSource, numbers) -> list[bytes]:
    return [source[number].make() for number in numbers]


def test_a_photo_is_a_row_slightly_changed_and_named_for_what_it_shows():
    supply = Supply("a dark and a bright one", rows(2), CLASSES)
    source = PhotoSource(1, supply)
    for number in range(20):
        photo = source[number]
        assert photo.error is None
        opened = Image.open(io.BytesIO(photo.make()))
        assert (opened.format, opened.mode, opened.size) == ("JPEG", "RGB", (SIDE, SIDE))
        small = np.asarray(opened.resize((32, 32)), np.float32)
        differences = np.abs(supply.rows.images - small).mean((1, 2, 3))
        assert 0 < differences.min() < 25
        assert photo.name == f"{number:07d}-{CLASSES[differences.argmin()]}.jpg"


def test_a_photo_is_about_as_sharp_as_its_row():
    supply = Supply("noise", noise(40), CLASSES)

    def sharpness(photo: Image.Image) -> float:
        return float(np.abs(np.diff(np.asarray(photo.convert("L"), np.float32))).mean())

    rng = np.random.default_rng(0)
    made = [photos.change_slightly(image, rng) for image in supply.rows.images]
    small = [photo.resize((32, 32), Image.Resampling.LANCZOS) for photo in made]
    original = [Image.fromarray(image) for image in supply.rows.images]
    ratio = np.mean([*map(sharpness, small)]) / np.mean([*map(sharpness, original)])
    assert 0.75 < ratio < 1.25


def test_the_newest_dataset_is_taken_or_the_named_one_and_without_one_etl_is():
    s3 = MemoryS3()
    with pytest.raises(UserError, match=r"python -m scripts\.etl"):
        photos.find_known(s3, "b", None, None)
    put_dataset(s3, "first")
    put_dataset(s3, "second")
    supply = photos.find_known(s3, "b", None, None)
    assert (supply.description, supply.classes) == ("test photos of second", CLASSES)
    assert photos.find_known(s3, "b", "first", None).description == "test photos of first"
    with pytest.raises(UserError, match="birds"):
        photos.find_known(s3, "b", "birds", None)


def test_other_classes_are_cifar10s_test_photos_of_what_the_model_does_not_know(
    tmp_path, monkeypatch
):
    path = archives.write_ten(tmp_path / "ten.tar.gz")
    monkeypatch.setenv("CIFAR_ARCHIVE", str(path))
    known = (*CLASSES, "automobile", "truck")
    supply = photos.find_unknown(known)
    assert pixels(supply.rows) < pixels(CIFAR10.read(path, CIFAR10_CLASSES).test)
    assert set(supply.classes) == set(CIFAR10_CLASSES) - set(known)
    with pytest.raises(UserError, match="knows every class"):
        photos.find_unknown((*CIFAR10_CLASSES, *CLASSES))


def test_the_same_seed_gives_the_same_bytes_in_any_order_and_thread():
    numbers = list(range(40))
    first = bodies(PhotoSource(5, SUPPLY, bad=0.3), numbers)
    backwards = bodies(PhotoSource(5, SUPPLY, bad=0.3), numbers[::-1])[::-1]
    source = PhotoSource(5, SUPPLY, bad=0.3)
    with ThreadPoolExecutor(4) as pool:
        threaded = list(pool.map(lambda number: source[number].make(), numbers))
    assert first == backwards == threaded
    good = [number for number in numbers if source[number].error is None]
    assert [first[number] for number in good] == bodies(PhotoSource(5, SUPPLY), good)
    others = bodies(PhotoSource(5, SUPPLY), range(20)) + bodies(PhotoSource(6, SUPPLY), range(20))
    assert len(set(others)) == 40


@pytest.mark.parametrize("share", [0.05, 1])
def test_bad_images_have_about_their_share_and_the_error_of_their_kind(share):
    source = PhotoSource(2, SUPPLY, bad=share)
    made = [source[number] for number in range(2000)]
    kinds = Counter(photo.name[8:-4] for photo in made if photo.error)
    assert kinds.total() / 2000 == pytest.approx(share, abs=0.015)
    assert set(kinds) == set(bad_images.KINDS)
    assert all(bad_images.KINDS[each.name[8:-4]].error == each.error for each in made if each.error)


def effect(drifted: np.ndarray, clean: np.ndarray) -> float:
    """The difference of the means, in standard deviations of the clean."""
    return float((drifted.mean() - clean.mean()) / clean.std())


def test_darker_photos_differ_in_brightness_and_blurred_ones_in_their_edges_alone():
    supply = Supply("noise", noise(40), CLASSES)
    clean, dark, soft = (
        grey(PhotoSource(1, supply, drift=drift), 40)
        for drift in (None, photos.DARKER, photos.BLURRED)
    )
    assert effect(dark.mean((1, 2)), clean.mean((1, 2))) < -2
    edges = [np.abs(np.diff(each[:, ::4, ::4])).mean((1, 2)) for each in (soft, clean)]
    assert effect(*edges) < -2
    assert abs(effect(soft.mean((1, 2)), clean.mean((1, 2)))) < 0.2
