import hashlib
import io
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from scripts.etl.archive import CIFAR10, CIFAR10_CLASSES
from scripts.generate import bad_images, changes, source
from scripts.generate.drawings import SIDE
from scripts.generate.source import Drawn, ImageSource, Sampled
from service import labelled_images
from service.labelled_images import LabelledImages
from service.terminal import UserError
from tests.unit.scripts import archives
from tests.unit.service.memory_s3 import MemoryS3

CLASSES = ("bicycle", "motorcycle")

VEHICLES = Drawn(("bicycle", "motorcycle"))


def rows(count: int, classes: int = 2) -> LabelledImages:
    """Smooth pictures, each of a brightness of its own."""
    ramp = np.linspace(0, 40, 32, dtype=np.uint8)
    levels = np.linspace(40, 200, count, dtype=np.uint8)
    images = np.broadcast_to((levels[:, None] + ramp)[:, :, None, None], (count, 32, 32, 3))
    return LabelledImages(
        images, np.arange(count) % classes, np.array([f"n{i}" for i in range(count)])
    )


def put_dataset(s3: MemoryS3, name: str) -> None:
    description = json.dumps({"name": name, "classes": CLASSES}).encode()
    s3.put_object("b", f"datasets/{name}/dataset.json", description, "")
    s3.put_object(
        "b",
        f"datasets/{name}/arrays/test/data.npz",
        labelled_images.encode_npz(rows(4), CLASSES),
        "",
    )


def known(s3: MemoryS3, name=None, drawn=False):
    return source.known_classes(s3, "b", name, None, drawn)


def test_a_sampled_photo_is_its_row_slightly_changed():
    photos = Sampled("test", rows(6), CLASSES)
    for seed in range(12):
        chosen = np.random.default_rng(seed).integers(6)
        label, make = photos.choose(np.random.default_rng(seed))
        photo = make()
        assert label == CLASSES[photos.rows.labels[chosen]]
        assert (photo.mode, photo.size) == ("RGB", (SIDE, SIDE))
        small = np.asarray(photo.resize((32, 32)), np.float32)
        difference = np.abs(small - photos.rows.images[chosen]).mean()
        assert 0 < difference < 25
    again = [photos.choose(np.random.default_rng(3))[1]().tobytes() for _ in range(2)]
    assert again[0] == again[1]


def test_a_sampled_photo_is_about_as_sharp_as_its_row():
    noise = np.random.default_rng(0).normal(128, 25, (40, 32, 32, 1))
    images = np.clip(np.repeat(noise, 3, 3), 0, 255).astype(np.uint8)
    photos = Sampled("test", LabelledImages(images, np.zeros(40, int), np.arange(40)), ("noise",))

    def sharpness(picture: Image.Image) -> float:
        return float(np.abs(np.diff(np.asarray(picture.convert("L"), np.float32))).mean())

    made = [photos.choose(np.random.default_rng(seed))[1]() for seed in range(40)]
    seen = np.mean([sharpness(photo.resize((32, 32), Image.Resampling.LANCZOS)) for photo in made])
    original = np.mean([sharpness(Image.fromarray(image)) for image in images])
    assert 0.75 < seen / original < 1.25


def test_the_newest_dataset_is_sampled_and_the_named_one_if_one_is_named():
    s3 = MemoryS3()
    put_dataset(s3, "first")
    put_dataset(s3, "second")
    assert known(s3).told == "test photos of second"
    assert known(s3, "first").told == "test photos of first"
    assert known(s3).classes == CLASSES
    assert isinstance(known(s3, drawn=True), Drawn)


def test_where_there_is_no_dataset_photos_are_drawn_unless_one_was_named():
    assert isinstance(known(MemoryS3()), Drawn)
    with pytest.raises(UserError):
        known(MemoryS3(), "birds")


def test_other_classes_are_cifar10s_test_photos_of_what_the_model_does_not_know(
    tmp_path, monkeypatch
):
    path = archives.write_ten(tmp_path / "ten.tar.gz")
    monkeypatch.setenv("CIFAR_ARCHIVE", str(path))
    known = (*CLASSES, "automobile", "truck")
    others = source.other_classes(known, drawn=False)
    test = {image.tobytes() for image in CIFAR10.read(path, CIFAR10_CLASSES).test.images}
    assert {image.tobytes() for image in others.rows.images} < test
    shown = {others.choose(np.random.default_rng(seed))[0] for seed in range(200)}
    assert shown == set(CIFAR10_CLASSES) - set(known)


def test_other_classes_are_drawn_beside_drawings():
    assert source.other_classes(CLASSES, drawn=True) == Drawn(("automobile", "truck", "ship"))


@pytest.mark.parametrize("drawn", [True, False])
def test_a_model_that_knows_every_class_has_no_others(drawn):
    known = (*CIFAR10_CLASSES, *CLASSES)
    with pytest.raises(UserError, match="knows every class"):
        source.other_classes(known, drawn)


def test_pictures_of_a_folder_are_sampled_from_its_photos(tmp_path):
    for label, name in enumerate(CLASSES):
        (tmp_path / name).mkdir()
        for number in range(20):
            file = io.BytesIO()
            Image.new("RGB", (40, 30), (10 * number, 100 * label, 90)).save(file, "PNG")
            (tmp_path / name / f"{number}.png").write_bytes(file.getvalue())
    photos = source.known_classes(MemoryS3(), "b", None, tmp_path, False)
    assert photos.classes == CLASSES
    assert len(photos.rows) == 40


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
        ImageSource(1, VEHICLES, drifted=changes.DARKER),
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
