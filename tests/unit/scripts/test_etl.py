import json

import pytest

from scripts import etl
from scripts.cli import UserError
from scripts.data import cifar10, cifar100
from tests.unit.scripts import archives


@pytest.fixture
def offline(monkeypatch):
    """No archive, no site; the package gives back what it was asked for."""

    def download(_folder):
        raise cifar100.UnreachableError("no network")

    monkeypatch.delenv("CIFAR_ARCHIVE", raising=False)
    monkeypatch.setattr(cifar100, "download", download)
    monkeypatch.setattr(cifar10, "download", lambda folder: folder)
    monkeypatch.setattr(cifar10, "read", lambda _path, classes: list(classes))


def test_the_archive_can_be_named_by_option_or_variable(tmp_path, monkeypatch):
    path = archives.write(tmp_path / "c.tar.gz", archives.content())
    monkeypatch.setenv("CIFAR_ARCHIVE", str(path))
    assert etl.get_source(None, None).classes == ("bicycle", "motorcycle")
    assert etl.get_source(path, ["bus", "apple"]).classes == ("apple", "bus")
    with pytest.raises(UserError, match="absent"):
        etl.get_source(tmp_path / "absent", None)


def test_without_the_site_the_stand_in_is_used_loudly(offline, capsys):
    assert etl.get_source(None, None) == ["automobile", "truck"]
    warning = capsys.readouterr().err
    assert all(line.startswith("!! ") for line in warning.splitlines())
    for words in ("no network", "automobile and truck of CIFAR-10", "CIFAR_ARCHIVE"):
        assert words in warning


def test_the_stand_ins_own_classes_can_be_asked_for(offline):
    assert etl.get_source(None, ["ship", "truck"]) == ["ship", "truck"]


def test_classes_that_the_stand_in_lacks_are_one_line(offline):
    with pytest.raises(UserError, match=r"no network.*no class 'bicycle'.*--archive PATH"):
        etl.get_source(None, ["bicycle", "motorcycle"])


def test_a_batch_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "batch.json"
    etl.write_json(path, {"images": []})
    assert json.loads(path.read_text()) == {"images": []}
    with pytest.raises(TypeError):
        etl.write_json(path, {"images": object()})
    assert json.loads(path.read_text()) == {"images": []}
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(UserError, match="absent"):
        etl.write_json(tmp_path / "absent" / "batch.json", {})
