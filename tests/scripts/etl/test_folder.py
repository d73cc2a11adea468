import shutil

import numpy as np
import pytest
from PIL import Image

from scripts.etl import __main__ as etl
from scripts.etl import cifar, folder
from service import datasets
from service.terminal import UserError
from tests.labelled import pixels
from tests.unit.scripts import archives


def photo(path, seed: int, size=(40, 30), file_format: str | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), np.uint8)
    Image.fromarray(pixels).save(path, file_format)


@pytest.fixture
def photos(tmp_path):
    """Two classes of 25 photos, some of them one folder deeper."""
    root = tmp_path / "PHOTOS"
    for number in range(25):
        deeper = "more/" if number % 3 == 0 else ""
        photo(root / f"bicycle/{deeper}IMG {number}.png", number)
        photo(root / f"motorcycle/{deeper}IMG {number}.png", 100 + number)
    return root


def test_every_photo_is_in_one_part_under_its_folders_class_and_one_name_gets_a_number(photos):
    photo(photos / "bicycle/IMG 0.png", 1000)
    source = folder.read(photos, None)
    assert source.name == "folder-photos"
    assert source.classes == ("bicycle", "motorcycle")
    assert len(source.train) + len(source.test) == 51
    assert source.train.images.shape[1:] == (32, 32, 3)
    for rows in (source.train, source.test):
        assert set(rows.labels.tolist()) == {0, 1}
    names = [*source.train.names, *source.test.names]
    assert all(name.startswith("IMG_") for name in names)
    assert names.count("IMG_0-2") == 1


def test_two_folders_of_the_same_classes_are_two_datasets(photos):
    shutil.copytree(photos, photos.with_name("Fotos 2"))
    names = {
        datasets.make_name(folder.read(photos.with_name(name), None))
        for name in ("PHOTOS", "Fotos 2")
    }
    assert names == {"folder-photos-bicycle-motorcycle", "folder-fotos_2-bicycle-motorcycle"}


def test_a_test_photo_stays_one_whatever_is_added_or_renamed(photos):
    before = folder.read(photos, None)
    for number in range(40):
        photo(photos / f"bicycle/new {number}.png", 500 + number)
    (photos / "motorcycle/IMG 1.png").rename(photos / "motorcycle/renamed.png")
    after = folder.read(photos, None)
    assert not pixels(before.test) & pixels(after.train)


def test_wanted_classes_leave_the_others_out_whatever_they_are_called(photos, capsys):
    for number in range(3):
        photo(photos / f"van/{number}.png", 900 + number)
        photo(photos / f"Neue Fotos/{number}.png", number)
    source = folder.read(photos, ["motorcycle", "bicycle"])
    assert source.classes == ("bicycle", "motorcycle")
    assert len(source.train) + len(source.test) == 50
    output = capsys.readouterr()
    assert "Neue Fotos, van: not asked for" in output.out
    assert output.err == ""  # nor is a photo of them a copy
    with pytest.raises(UserError, match="no class 'bike'"):
        folder.read(photos, ["bike", "van"])
    with pytest.raises(UserError, match="Rename it, to neue_fotos say"):
        folder.read(photos, ["bicycle", "Neue Fotos"])
    with pytest.raises(UserError, match=r"Neue Fotos cannot name a class.*with --classes"):
        folder.read(photos, None)
    shutil.rmtree(photos / "Neue Fotos")
    with pytest.raises(UserError, match="van has 3; a class needs 20"):
        folder.read(photos, None)


@pytest.mark.parametrize("name", [".git", "__MACOSX"])
def test_hidden_and_system_folders_are_no_classes_and_hold_no_photos(photos, capsys, name):
    photo(photos / f"{name}/1.png", 900)
    photo(photos / f"bicycle/{name}/1.png", 901)
    photo(photos / "bicycle/._IMG 1.png", 902)
    for wanted in (None, ["bicycle", "motorcycle"]):
        source = folder.read(photos, wanted)
        assert len(source.train) + len(source.test) == 50
    assert capsys.readouterr() == ("", "")


def test_the_content_says_what_is_a_photo_not_the_name(photos, capsys):
    for number, name in enumerate(("a.jfif", "b.jpe", "c", "d.JPG", "e.heic")):
        photo(photos / f"bicycle/{name}", 900 + number, file_format="JPEG")
    photo(photos / "bicycle/g.jpg", 910, file_format="BMP")
    half = (photos / "motorcycle/IMG 1.png").read_bytes()[:200]
    (photos / "motorcycle/half.png").write_bytes(half)
    for number in range(folder.NAMED_AT_MOST):
        (photos / f"motorcycle/notes {number}.txt").write_text("not a photo")
    source = folder.read(photos, None)
    assert len(source.train) + len(source.test) == 55
    warning = capsys.readouterr().err
    assert f"left out: {folder.NAMED_AT_MOST + 2}\n" in warning
    assert "bicycle/g.jpg: the file is a BMP: save it as PNG or JPEG" in warning
    assert "motorcycle/half.png: " in warning
    assert "and 2 more" in warning


def test_copies_count_once_and_a_picture_in_two_classes_is_left_out_of_both(photos, capsys):
    photo(photos / "bicycle/copy.png", 2)
    photo(photos / "motorcycle/wrong.png", 1)
    source = folder.read(photos, None)
    labels = np.concatenate([source.train.labels, source.test.labels])
    assert np.bincount(labels).tolist() == [24, 25]
    said = capsys.readouterr().err
    assert "bicycle/copy.png" in said
    assert "bicycle/IMG 1.png = motorcycle/wrong.png" in said


def test_a_class_always_has_a_test_photo(photos, monkeypatch):
    monkeypatch.setattr(folder, "TEST_FRACTION", 0.0)
    assert np.bincount(folder.read(photos, None).test.labels).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("folders", "said"),
    [
        ((), "has 0 sub-folders"),
        (("bicycle",), "has 1 sub-folders"),
        (("bicycle", "motorcycle"), "bicycle has 0, motorcycle has 0"),
    ],
)
def test_a_folder_that_is_no_dataset_is_one_line(tmp_path, folders, said):
    for name in folders:
        (tmp_path / name).mkdir()
    with pytest.raises(UserError, match=said):
        folder.read(tmp_path, None)


@pytest.fixture
def cifar10(tmp_path, monkeypatch):
    """CIFAR-10's archive, a few rows big, where the variable says."""
    path = archives.write_ten(tmp_path / "ten.tar.gz")
    monkeypatch.setenv("CIFAR_ARCHIVE", str(path))


def test_photos_in_other_are_strangers_and_no_class(photos, capsys):
    for number in range(30):
        photo(photos / f"other/{number}.png", 300 + number)
    photo(photos / "other/seen too.png", 1)  # a bicycle
    for wanted in (None, ["bicycle", "motorcycle"]):
        source = etl.get_source(photos, [], wanted, None)
        assert source.classes == ("bicycle", "motorcycle")
        assert len(source.strangers.train) + len(source.strangers.test) == 30
        assert len(source.train) + len(source.test) == 49
        for rows in (source.train, source.test):
            assert not pixels(rows) & (
                pixels(source.strangers.train) | pixels(source.strangers.test)
            )
    assert "Strangers are not known" not in capsys.readouterr().err


def test_without_other_it_is_said_that_strangers_are_not_known(photos, capsys):
    assert etl.get_source(photos, [], None, None).strangers is None
    assert "!! Strangers are not known" in capsys.readouterr().err


def test_named_strangers_are_cifar_10s_and_add_to_other(photos, cifar10, capsys):
    assert len(etl.get_source(photos, [], None, ["cat", "ship"]).strangers.train) == 20
    for number in range(30):
        photo(photos / f"other/{number}.png", 300 + number)
    source = etl.get_source(photos, [], None, ["cat", "ship"])
    assert len(source.strangers.train) + len(source.strangers.test) == 30 + 24
    assert len(np.unique(source.strangers.train.labels)) == 3
    assert source.strangers.origin == "PHOTOS/other/; cat, ship of CIFAR-10"
    assert capsys.readouterr().err == ""
    twice = etl.get_source(photos, [], None, ["cat", "cat"])
    assert twice.strangers.origin == "PHOTOS/other/; cat of CIFAR-10"


def test_named_strangers_may_come_from_a_given_archive(photos, tmp_path):
    ten = archives.write_ten(tmp_path / "ten.tar.gz")
    source = etl.get_source(photos, [ten], None, ["cat"])
    assert source.strangers.origin == "cat of CIFAR-10"


@pytest.mark.parametrize("names", [["cat", "shp"], ["bus"]])
def test_named_strangers_that_cifar_10_lacks_are_one_line_before_it_is_fetched(
    photos, monkeypatch, names
):
    monkeypatch.delattr(cifar, "read_cifar10")
    with pytest.raises(UserError, match=f"no class '{names[-1]}'"):
        etl.get_source(photos, [], None, names)


def test_named_strangers_that_cannot_be_fetched_are_one_line(photos, monkeypatch):
    def fail(*_):
        raise UserError("npm could not fetch it")

    monkeypatch.setattr(cifar, "read_cifar10", fail)
    with pytest.raises(UserError, match="npm could not fetch it"):
        etl.get_source(photos, [], None, ["cat"])


def test_a_class_of_the_folder_cannot_be_named_as_a_stranger(photos, cifar10):
    (photos / "bicycle").rename(photos / "cat")
    with pytest.raises(UserError, match=r"cat, which .* has as a class.*learn to refuse it"):
        etl.get_source(photos, [], None, ["cat", "ship"])


@pytest.mark.parametrize("count", [0, 5])
def test_few_photos_in_other_are_one_line_that_says_what_to_do(photos, count):
    (photos / "other").mkdir()
    for number in range(count):
        photo(photos / f"other/{number}.png", 300 + number)
    for wanted in (None, ["bicycle", "motorcycle"]):
        with pytest.raises(UserError, match=rf"other has {count};.*move other/ out.*--strangers"):
            folder.read(photos, wanted)


def test_other_in_capitals_is_no_strangers_and_the_line_says_what_the_name_would_mean(photos):
    photo(photos / "Other/1.png", 300)
    with pytest.raises(UserError, match="to other, if its photos are of none of the classes, say"):
        folder.read(photos, None)
