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
    assert cifar.find_archives([]) == {CIFAR100: hundred}
    assert etl.get_source(None, [], ["bus", "apple"], None).classes == ("apple", "bus")
    assert etl.get_source(None, [ten], None, None).classes == ("automobile", "truck")


def test_an_archive_that_has_none_of_the_classes_is_one_line(hundred, ten):
    for archive, classes in ((hundred, ["ship", "truck"]), (ten, ["bus", "apple"])):
        with pytest.raises(UserError, match=f"has none of {', '.join(classes)}"):
            etl.get_source(None, [archive], classes, None)


def test_uneven_classes_of_both_archives_are_named(hundred, ten):
    source = etl.get_source(None, [ten, hundred], ["bus", "cat"], None)
    assert source.classes == ("cat", "bus")
    assert "cat 10, bus 3" in etl.find_uneven_classes(source)
    even = etl.get_source(None, [ten], ["cat", "dog"], None)
    assert etl.find_uneven_classes(even) is None
