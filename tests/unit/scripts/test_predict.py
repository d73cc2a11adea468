import pytest

from handlers.errors import ImageNotFound, ImageTooLarge, InvalidInput
from scripts.predict import PHOTO_WIDTH, Row, expand, read, render
from service.terminal import UserError
from tests.unit.service.memory_s3 import MemoryS3


@pytest.fixture
def folder(tmp_path):
    for name in ("b.PNG", "a.jpg", "notes.txt", "in/c.webp", "in/d.jpeg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"1234")
    return tmp_path


def test_a_folder_stands_for_the_photos_in_it(folder):
    found = [path.removeprefix(f"{folder}/") for path in expand(None, str(folder))]
    assert found == ["a.jpg", "b.PNG", "in/c.webp", "in/d.jpeg"]


def test_a_prefix_stands_for_the_photos_below_it():
    s3 = MemoryS3()
    for key in ("photos/b.png", "photos/a b+c.jpg", "photos/readme.md", "other/c.png"):
        s3.put_object("bucket", key, b"", "")
    assert expand(s3, "s3://bucket/photos/") == [
        "s3://bucket/photos/a b+c.jpg",
        "s3://bucket/photos/b.png",
    ]
    assert len(expand(s3, "s3://bucket")) == 3


def test_a_file_and_an_object_stand_for_themselves_whatever_they_are_called():
    assert expand(None, "notes.txt") == ["notes.txt"]
    assert expand(None, "s3://bucket/notes.txt") == ["s3://bucket/notes.txt"]


def test_a_folder_without_photos_is_one_line(tmp_path):
    with pytest.raises(UserError, match="no photos"):
        expand(None, str(tmp_path))


def test_files_fail_by_the_names_that_objects_do(folder):
    assert read(None, str(folder / "a.jpg"), max_bytes=4) == b"1234"
    with pytest.raises(ImageTooLarge):
        read(None, str(folder / "a.jpg"), max_bytes=3)
    with pytest.raises(ImageNotFound):
        read(None, str(folder / "absent.png"), max_bytes=4)
    with pytest.raises(InvalidInput):
        read(None, str(folder), max_bytes=10**6)


def test_the_table_has_a_row_a_photo_and_counts_them():
    said = render(
        [
            Row("a.png", "accepted", "bicycle", 0.97125),
            Row("b.png", "review", "motorcycle", 0.5),
            Row("x" * 100 + ".png", "failed", error="InvalidImage: the file is empty"),
        ]
    ).splitlines()
    assert said[2].split() == ["a.png", "bicycle", "0.9712", "accepted"]
    assert said[3].split() == ["b.png", "motorcycle", "0.5000", "review"]
    assert said[4].endswith("failed  InvalidImage: the file is empty")
    assert said[4].split()[0] == "…" + "x" * (PHOTO_WIDTH - 5) + ".png"
    assert said[-1].startswith("3 photos: 1 accepted, 1 review, ")
    assert said[-1].endswith("1 failed")
    column = said[0].index("status")
    assert [line[column:].split()[0] for line in said[2:5]] == ["accepted", "review", "failed"]
