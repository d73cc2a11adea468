import numpy as np
import pytest

from scripts.cli import UserError
from scripts.data import cifar10
from tests.unit.scripts import archives

VEHICLES = ("truck", "automobile")


def test_the_wanted_classes_rows_come_out_of_all_batches(tmp_path):
    given = archives.ten_content(per_batch=20)
    source = cifar10.read(archives.write_ten(tmp_path / "c.tar.gz", given), VEHICLES)
    assert source.name == "cifar10"
    assert source.classes == ("automobile", "truck")
    assert source.train.images.shape == (20, 32, 32, 3)
    assert source.train.labels.tolist() == [0, 1] * 10
    assert len(source.test) == 4
    row = given["data_batch_2"]["data"][1]
    assert (source.train.images[4, 0, 1] == row[[1, 1025, 2049]]).all()


def test_rows_are_named_by_their_place_as_in_the_other_source_of_them(tmp_path):
    source = cifar10.read(archives.write_ten(tmp_path / "c.tar.gz"), VEHICLES)
    assert source.train.names[:3].tolist() == ["train-00001", "train-00009", "train-00011"]
    assert source.train.names[4] == "train-00021"
    assert source.test.names[0] == "test-00001"


@pytest.mark.parametrize(
    "changes",
    [
        {"data_batch_3": b"not a pickle"},
        {"test_batch": {"data": np.zeros((2, 3072), np.uint8), "filenames": []}},
        {"batches.meta": {"label_names": ["cat", "dog"]}},
        {"batches.meta": {}},
    ],
)
def test_an_archive_of_another_shape_is_one_line_that_names_it(tmp_path, changes):
    path = archives.write_ten(tmp_path / "odd.tar.gz", archives.ten_content() | changes)
    with pytest.raises(UserError, match=r"odd\.tar\.gz"):
        cifar10.read(path, VEHICLES)


def test_a_missing_batch_is_named(tmp_path):
    given = archives.ten_content()
    del given["data_batch_4"]
    path = archives.write_ten(tmp_path / "c.tar.gz", given)
    with pytest.raises(UserError, match="it has no cifar-10-batches-py/data_batch_4"):
        cifar10.read(path, VEHICLES)


def test_an_unknown_class_is_answered_with_all_ten(tmp_path):
    with pytest.raises(UserError, match=r"There are: airplane, .*, truck"):
        cifar10.read(tmp_path / "absent", ("truck", "bicycle"))
