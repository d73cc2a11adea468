import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from botocore.exceptions import ClientError

from scripts.etl import __main__ as etl
from service import config, datasets
from service.labelled_images import Source, Strangers
from service.terminal import UserError
from tests.labelled import pixels, rows
from tests.unit.service.memory_s3 import MemoryS3

CLASSES = ("bicycle", "motorcycle")


def make(seed: int = 0, train: int = 20, classes: tuple[str, ...] = CLASSES) -> Source:
    return Source("cifar100", "a test", classes, rows(train, seed), rows(8, seed + 1))


def publish(s3: MemoryS3, source: Source):
    return datasets.publish(s3, "bucket", source, datasets.split(source))


def test_a_dataset_lies_where_the_workflow_and_the_training_job_look():
    s3 = MemoryS3()
    name, summary = publish(s3, make())
    assert name == "cifar100-bicycle-motorcycle"
    root = f"datasets/{name}"
    assert summary.sent == len(s3.objects) - 1 == 28 + 3
    assert f"{root}/images/test/motorcycle/photo-1.png" in s3.objects
    kept = {key.rsplit("/")[-1] for key in s3.objects if f"{root}/images/test/" in key}
    assert kept == {f"photo-{row}.png" for row in range(8)}  # the source's own
    with np.load(io.BytesIO(s3.objects[f"{root}/arrays/validation/data.npz"])) as arrays:
        assert len(arrays["images"]) == 4
        assert arrays["classes"].tolist() == list(CLASSES)
    description = json.loads(s3.objects[f"{root}/dataset.json"])
    assert description["classes"] == list(CLASSES)
    assert description["image_size"] == 32
    assert description["strangers"] is None
    assert len(datasets.read_split(s3, "bucket", name, "train")[1]) == 0
    each = {"train": 8, "validation": 2, "test": 4}
    assert description["counts"] == {part: dict.fromkeys(CLASSES, n) for part, n in each.items()}


def test_what_is_there_already_is_not_sent_again_but_what_is_missing_or_differs():
    s3 = MemoryS3()
    publish(s3, make())
    s3.changes.clear()
    _, summary = publish(s3, make())
    assert (summary.sent, summary.kept, summary.removed) == (0, 31, 0)
    assert s3.changes == ["put datasets/cifar100-bicycle-motorcycle/dataset.json"]
    first, second = [key for key in s3.objects if key.endswith(".png")][:2]
    whole = dict(s3.objects)
    del s3.objects[first]
    s3.objects[second] = bytes(len(s3.objects[second]))
    assert publish(s3, make())[1].sent == 2
    assert s3.objects == whole


def test_other_data_under_the_name_replaces_it_whole_and_that_is_said(capsys):
    s3 = MemoryS3()
    publish(s3, make(train=30))
    assert capsys.readouterr().err == ""
    s3.changes.clear()
    name, summary = publish(s3, replace(make(seed=5, train=20), origin="other photos/"))
    warning = capsys.readouterr().err
    assert f"The dataset {name} is replaced: it was of a test, now other photos/." in warning
    assert summary.removed >= 10  # and those that changed between train and validation
    fresh = MemoryS3()
    publish(fresh, replace(make(seed=5, train=20), origin="other photos/"))
    assert s3.objects == fresh.objects
    # Whoever looks in between finds no dataset rather than a mixture.
    description = f"datasets/{name}/dataset.json"
    assert s3.changes[0] == f"delete {description}"
    assert s3.changes[-1] == f"put {description}"


def test_an_upload_that_fails_leaves_no_dataset():
    s3 = MemoryS3()
    s3.fails_at = "images/test/motorcycle/photo-1.png"
    with pytest.raises(ClientError):
        publish(s3, make())
    assert not [key for key in s3.objects if key.endswith("dataset.json")]
    with pytest.raises(UserError, match=r"scripts\.etl"):
        datasets.find(s3, "bucket")
    assert datasets.find_test_photos(s3, "bucket", 32)[0] is None


def test_the_newest_dataset_is_the_one_last_made_even_if_nothing_was_sent():
    s3 = MemoryS3()
    bikes, others = make(), make(classes=("bus", "train"))
    for source, name in ((bikes, "bicycle-motorcycle"), (others, "bus-train")):
        publish(s3, source)
        assert datasets.find(s3, "bucket")["name"] == f"cifar100-{name}"
    publish(s3, bikes)
    assert datasets.find(s3, "bucket")["name"] == "cifar100-bicycle-motorcycle"
    assert datasets.find(s3, "bucket", "cifar100-bus-train")["classes"] == ["bus", "train"]
    with pytest.raises(UserError, match="There are: cifar100-bicycle-motorcycle, cifar100-bus"):
        datasets.find(s3, "bucket", "birds")
    assert datasets.find_test_photos(s3, "bucket", 32)[0] == "cifar100-bicycle-motorcycle"
    assert datasets.find_test_photos(s3, "bucket", 64)[0] is None
    key = "datasets/cifar100-bicycle-motorcycle/dataset.json"
    s3.put_object("bucket", key, s3.objects[key].replace(b": 32", b": 64"), "")
    assert datasets.find_test_photos(s3, "bucket", 32)[0] == "cifar100-bus-train"


def test_many_classes_make_a_short_name_of_their_own():
    many = tuple(f"class_{number}" for number in range(100))
    names = {datasets.make_name(make(classes=classes)) for classes in (many, many[:50], many[50:])}
    assert len(names) == 3
    assert max(map(len, names)) <= datasets.NAME_LENGTH
    assert any(re.fullmatch(r"cifar100-100-classes-[0-9a-f]{8}", name) for name in names)


@pytest.mark.parametrize("size", [1, 3, 8, 40])
def test_a_sample_batch_takes_turns_and_names_test_photos(size):
    source = make()
    batch = datasets.sample_batch(source, datasets.split(source)["test"], size)
    *keys, description = [image["s3_key"] for image in batch["images"]]
    assert description == "datasets/cifar100-bicycle-motorcycle/dataset.json"  # which is no photo
    assert len(set(keys)) == min(size, 8)
    assert all(list(image) == ["s3_key"] for image in batch["images"])
    counts = [sum(f"/test/{name}/" in key for key in keys) for name in CLASSES]
    assert max(counts) - min(counts) <= 1
    s3 = MemoryS3()
    publish(s3, source)
    assert set(keys) <= s3.objects.keys()


def with_strangers(train: int = 40, test: int = 10) -> Source:
    return replace(make(), strangers=Strangers("other/", rows(train, 7), rows(test, 8)))


def test_strangers_are_split_as_the_classes_are_and_some_lie_there_as_photos():
    s3 = MemoryS3()
    name, _ = publish(s3, with_strangers())
    seen = {}
    for part, count in {"train": 32, "validation": 8, "test": 10}.items():
        photos, strangers = datasets.read_split(s3, "bucket", name, part)
        assert len(strangers) == count
        seen[part] = pixels(strangers)
        assert not seen[part] & pixels(photos)
    assert not seen["train"] & seen["validation"]
    folder = f"datasets/{name}/images/strangers/"
    shown = [body for key, body in s3.objects.items() if key.startswith(folder)]
    assert len(shown) == 10
    description = datasets.find(s3, "bucket")["strangers"]
    assert description["counts"] == {"train": 32, "validation": 8, "test": 10}
    assert description["origin"] == "other/"
    batch = datasets.sample_batch(with_strangers(), datasets.split(with_strangers())["test"], 4)
    assert batch["images"][-2] == {"s3_key": f"{folder}000.png"}


def test_more_strangers_than_a_model_needs_are_thinned_out(monkeypatch):
    monkeypatch.setattr(datasets, "STRANGERS", {"train": 11, "validation": 3, "test": 5})
    for part, most in datasets.STRANGERS.items():
        chosen = datasets.split(with_strangers())[part].strangers
        assert len(chosen) == most
        assert abs(np.bincount(chosen.labels) - most / 2).max() == 0.5


def test_a_dataset_of_another_size_than_the_services_is_refused():
    s3 = MemoryS3()
    publish(s3, make())
    data = datasets.find(s3, "bucket")
    datasets.check_dataset_image_size(data, 32)
    with pytest.raises(UserError, match=r"32 pixels a side.*is 64: .*scripts\.etl"):
        datasets.check_dataset_image_size(data, 64)
    del data["image_size"]  # as before there was a stamp
    with pytest.raises(UserError, match=r"no stated size.*scripts\.etl"):
        datasets.check_dataset_image_size(data, 32)


def test_photos_of_another_size_than_the_services_make_no_dataset(monkeypatch, tmp_path):
    settings = {"image": {**config.load()["image"], "size": 64}}
    monkeypatch.setattr(config, "load", lambda: settings)
    s3 = MemoryS3()
    with pytest.raises(UserError, match=r"32 pixels a side, and image\.size .* is 64"):
        etl.make_dataset(s3, "bucket", make(), tmp_path / "batch.json")
    assert not s3.objects
