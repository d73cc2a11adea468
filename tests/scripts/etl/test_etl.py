import json

import pytest

from scripts.etl import __main__ as etl
from scripts.etl import cifar
from scripts.etl.archive import CIFAR100
from service.terminal import UserError
from tests.unit.scripts import archives


@pytest.fixture
def hundred(tmp_path):
    return archives.write(tmp_path / "hundred.tar.gz", archives.content(per_class=3))


@pytest.fixture
def ten(tmp_path):
    return archives.write_ten(tmp_path / "ten.tar.gz")


def test_the_archive_can_be_named_by_option_or_variable(hundred, ten, monkeypatch):
    monkeypatch.setenv("CIFAR_ARCHIVE", str(hundred))
    assert cifar.find_archives(None) == {CIFAR100: hundred}
    assert etl.get_source(None, None, ["bus", "apple"]).classes == ("apple", "bus")
    assert etl.get_source(None, [ten], None).classes == ("automobile", "truck")


def test_options_that_do_not_go_together_are_one_line(hundred, ten):
    for folder, archive, classes, said in (
        ("photos", hundred, None, "--folder or --archive"),
        (None, hundred, ["ship", "truck"], "has none of ship, truck"),
        (None, ten, ["bus", "apple"], "has none of bus, apple"),
    ):
        with pytest.raises(UserError, match=said):
            etl.get_source(folder, [archive], classes)


def test_uneven_classes_of_both_archives_are_named(hundred, ten):
    source = etl.get_source(None, [ten, hundred], ["bus", "cat"])
    assert source.classes == ("cat", "bus")
    assert "cat 10, bus 3" in etl.find_uneven_classes(source)
    even = etl.get_source(None, [ten], ["cat", "dog"])
    assert etl.find_uneven_classes(even) is None


def test_a_batch_that_cannot_be_written_is_one_line(tmp_path):
    path = tmp_path / "batch.json"
    etl.write_json(path, {"images": []})
    assert json.loads(path.read_text()) == {"images": []}
    for wrong in (tmp_path / "absent" / "batch.json", tmp_path):
        with pytest.raises(UserError, match="Cannot write"):
            etl.write_json(wrong, {})
