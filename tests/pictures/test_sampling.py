import io
import json

import numpy as np
import pytest
from PIL import Image

from scripts.cli import UserError
from scripts.data import cifar10, encode
from scripts.data.images import LabelledImages
from scripts.generator import sampling
from scripts.generator.canvas import SIDE
from scripts.generator.sampling import Drawn, Sampled
from tests.unit.scripts import archives
from tests.unit.scripts.memory_s3 import MemoryS3

CLASSES = ("bicycle", "motorcycle")


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
    s3.put_object("b", f"datasets/{name}/arrays/test/data.npz", encode.npz(rows(4), CLASSES), "")


def known(s3: MemoryS3, name=None, drawn=False):
    return sampling.known_classes(s3, "b", name, None, drawn)


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
    others = sampling.other_classes(known, drawn=False)
    test = {image.tobytes() for image in cifar10.read(path, cifar10.LABELS).test.images}
    assert {image.tobytes() for image in others.rows.images} < test
    shown = {others.choose(np.random.default_rng(seed))[0] for seed in range(200)}
    assert shown == set(cifar10.LABELS) - set(known)


def test_other_classes_are_drawn_beside_drawings():
    assert sampling.other_classes(CLASSES, drawn=True) == Drawn(("automobile", "truck", "ship"))


@pytest.mark.parametrize("drawn", [True, False])
def test_a_model_that_knows_every_class_has_no_others(drawn):
    known = (*cifar10.LABELS, *CLASSES)
    with pytest.raises(UserError, match="knows every class"):
        sampling.other_classes(known, drawn)


def test_pictures_of_a_folder_are_sampled_from_its_photos(tmp_path):
    for label, name in enumerate(CLASSES):
        (tmp_path / name).mkdir()
        for number in range(20):
            file = io.BytesIO()
            Image.new("RGB", (40, 30), (10 * number, 100 * label, 90)).save(file, "PNG")
            (tmp_path / name / f"{number}.png").write_bytes(file.getvalue())
    photos = sampling.known_classes(MemoryS3(), "b", None, tmp_path, False)
    assert photos.classes == CLASSES
    assert len(photos.rows) == 40
