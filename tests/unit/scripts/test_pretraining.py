import io

import numpy as np
import pytest

from scripts import dataset, pretraining
from scripts.cli import UserError
from scripts.data import cifar10
from tests.unit.scripts import archives
from tests.unit.scripts.memory_s3 import MemoryS3


def images_of(rows) -> set[bytes]:
    return {image.tobytes() for image in rows.images}


def test_no_validation_or_test_row_of_any_dataset_is_in_the_set(tmp_path):
    path = archives.write_ten(tmp_path / "c.tar.gz", archives.ten_content(per_batch=50))
    everything = cifar10.read(path, cifar10.LABELS)
    rows = pretraining.rows_of(everything)
    assert len(rows) == 200
    for classes in (cifar10.LABELS, ("automobile", "truck"), ("cat", "dog", "ship")):
        splits = dataset.splits_of(cifar10.read(path, classes))
        assert images_of(splits["train"]) <= images_of(rows)
        assert not images_of(rows) & images_of(splits["validation"])
        assert not images_of(rows) & images_of(splits["test"])


def test_the_set_lies_where_the_job_is_sent_and_is_sent_once(tmp_path):
    s3 = MemoryS3()
    source = cifar10.read(archives.write_ten(tmp_path / "c.tar.gz"), cifar10.LABELS)
    assert pretraining.publish(s3, "bucket", source).sent == 1
    assert pretraining.publish(s3, "bucket", source).sent == 0
    assert pretraining.uri(s3, "bucket") == "s3://bucket/pretraining/cifar10/"
    with np.load(io.BytesIO(s3.objects["pretraining/cifar10/data.npz"])) as arrays:
        assert arrays["classes"].tolist() == list(cifar10.LABELS)
        assert arrays["images"].shape == (80, 32, 32, 3)
        assert len(arrays["names"]) == len(arrays["labels"]) == 80


def test_without_the_set_it_is_told_how_to_make_it():
    with pytest.raises(UserError, match=r"scripts\.etl --pretraining"):
        pretraining.uri(MemoryS3(), "bucket")
