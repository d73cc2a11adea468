import json

import numpy as np
import pytest

from scripts.etl import npm
from service.labelled_images import encode_png
from service.terminal import UserError
from tests.archives import tar
from tests.programs import write_program


@pytest.fixture
def package(tmp_path):
    """A package of the same layout, 20 rows a sheet; row r of sheet s is filled with 20 s + r."""
    files = {"package/package.json": b"{}"}
    for split, sheets in npm.SHEETS.items():
        for number, name in enumerate(sheets):
            pixels = np.zeros((20, 1024, 3), np.uint8)
            pixels[:] = (20 * number + np.arange(20))[:, None, None]
            pixels[:, 33, 0] = 255  # row 1, column 1 of each image, red
            files[name] = encode_png(pixels)
        labels = [row % 10 for row in range(20 * len(sheets))]
        files[npm.LABEL_FILES[split]] = json.dumps(labels).encode()
    path = tmp_path / npm.FILE_NAME
    path.write_bytes(tar(files))
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


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (f'echo other > "$5/{npm.FILE_NAME}"', "sha512"),
        ("echo 'no network' >&2; exit 1", "no network"),
        (None, "npm is not installed"),
    ],
)
def test_a_package_that_differs_or_does_not_come_is_one_line_and_not_kept(
    tmp_path, monkeypatch, script, said
):
    if script:
        write_program(tmp_path / "bin" / "npm", script)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(UserError, match=said):
        npm.download(tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*"))
