import io
import json
import tarfile

import numpy as np
import pytest
from PIL import Image

from scripts.etl import npm
from service.terminal import UserError


@pytest.fixture
def package(tmp_path):
    """A package of the same layout, 20 rows a sheet; row r of sheet s is filled with 20 s + r."""
    path = tmp_path / npm.FILE_NAME
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:

        def add(name: str, data: bytes) -> None:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))

        add("package/package.json", b"{}")
        for split, sheets in npm.SHEETS.items():
            for number, name in enumerate(sheets):
                pixels = np.zeros((20, 1024, 3), np.uint8)
                pixels[:] = (20 * number + np.arange(20))[:, None, None]
                pixels[:, 33, 0] = 255  # row 1, column 1 of each image, red
                file = io.BytesIO()
                Image.fromarray(pixels).save(file, "PNG")
                add(name, file.getvalue())
            labels = [row % 10 for row in range(20 * len(sheets))]
            add(npm.LABEL_FILES[split], json.dumps(labels).encode())
    return path


def test_the_wanted_vehicles_rows_come_out(package):
    source = npm.read(package, ("truck", "automobile"))
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


def put_npm(tmp_path, monkeypatch, script: str) -> None:
    """Put a stand-in for npm, a shell script, at the head of PATH."""
    tool = tmp_path / "bin" / "npm"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=":")


def test_a_package_that_differs_is_refused_and_not_kept(tmp_path, monkeypatch):
    put_npm(tmp_path, monkeypatch, f'echo other > "$5/{npm.FILE_NAME}"')
    with pytest.raises(UserError, match="sha512"):
        npm.download(tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_npm_failing_is_one_line(tmp_path, monkeypatch):
    put_npm(tmp_path, monkeypatch, "echo 'no network' >&2; exit 1")
    with pytest.raises(UserError, match="no network"):
        npm.download(tmp_path / "cache")


def test_no_npm_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="npm is not installed"):
        npm.download(tmp_path / "cache")
