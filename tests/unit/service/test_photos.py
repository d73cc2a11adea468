import os
from pathlib import Path
from unittest.mock import Mock

import pytest

from handlers.errors import ImageNotFound, ImageTooLarge, InvalidInput
from service.photos import S3Place, find_photos, locate, read
from service.terminal import UserError
from tests.unit.service.memory_s3 import MemoryS3

JPEG, PNG, WEBP = b"\xff\xd8\xff\xe0..", b"\x89PNG\r\n\x1a\n..", b"RIFF....WEBPVP8 .."
HEIC, GIF = b"\0\0\0 ftypheic", b"GIF89a"
# Which of the names in a folder or below a prefix are photos, by their endings or what they hold.
PHOTOS = {
    "a.jpg": b"not looked at",
    "b.PNG": PNG,
    "c.jfif": JPEG,
    "d.jpe": JPEG,
    "e": WEBP,
    "f.gif": PNG,
    "im/h.png": PNG,
    "in/g #1?.webp": WEBP,
}
OTHERS = {
    ".hidden": b"",
    "h.heic": HEIC,
    "i.gif": GIF,
    "j.tiff": b"II*\0",
    "k": b"RIFF....WAVEfmt ",
    "labels.json": JPEG,
    "l.jpg.txt": b"",
}


@pytest.fixture
def s3():
    s3 = MemoryS3()
    for name, body in {**PHOTOS, **OTHERS, "in/": b""}.items():
        s3.put_object("bucket", f"photos/{name}", body, "")
    s3.put_object("bucket", "photos-old/a.jpg", JPEG, "")
    return s3


@pytest.fixture
def folder(tmp_path):
    for name, body in {**PHOTOS, **OTHERS}.items():
        path = tmp_path / "photos" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(body)
    return tmp_path / "photos"


def found(s3, source) -> list[str]:
    return [str(photo) for photo in find_photos(s3, locate(s3, str(source)))]


@pytest.mark.parametrize("where", ["folder", "s3://bucket/photos/", "s3://bucket/photos"])
def test_photos_are_known_by_their_endings_or_first_bytes_and_the_rest_is_named(
    where, s3, folder, capsys
):
    source = folder if where == "folder" else where
    root = f"{str(source).removesuffix('/')}/"
    assert [name.removeprefix(root) for name in found(s3, source)] == sorted(PHOTOS)
    assert found(s3, f"{root}labels.json") == [f"{root}labels.json"]  # asked for by its name
    warnings = capsys.readouterr().err
    assert warnings.count("Passed over: ") == 4
    assert "Passed over: 4 of " in warnings
    assert f"(no PNG, JPEG or WebP image): {root}.hidden, {root}k" in warnings
    for name, kind in (("h.heic", "a HEIC"), ("i.gif", "a GIF"), ("j.tiff", "a TIFF")):
        assert f"({kind}: save it as PNG or JPEG): {root}{name}.\n" in warnings


def test_a_label_beside_each_photo_is_not_asked_for(s3):
    s3.get_object = Mock(side_effect=s3.get_object)
    found(s3, "s3://bucket/photos/")
    asked = [call.kwargs["Key"] for call in s3.get_object.call_args_list]
    assert "photos/c.jfif" in asked
    assert not {"photos/a.jpg", "photos/labels.json", "photos/l.jpg.txt"} & set(asked)


def test_an_object_comes_before_a_prefix_and_a_prefix_is_never_the_beginning_of_a_name(s3):
    assert locate(s3, "s3://bucket/photos") == S3Place("bucket", "photos/")
    assert locate(s3, "s3://bucket/photos/e") == S3Place("bucket", "photos/e")
    assert locate(s3, "s3://bucket") == S3Place("bucket", "")
    s3.put_object("bucket", "photos", JPEG, "")
    assert found(s3, "s3://bucket/photos") == ["s3://bucket/photos"]
    with pytest.raises(UserError, match="no object s3://bucket/photo, and none below s3://b"):
        locate(s3, "s3://bucket/photo")


def test_a_place_without_photos_is_one_line(s3, tmp_path):
    with pytest.raises(UserError, match="no file or folder absent"):
        locate(s3, "absent")
    for source in (tmp_path, "s3://bucket/nowhere/"):
        with pytest.raises(UserError, match=f"no photos .* in {source}"):
            found(s3, source)


def test_what_cannot_be_read_is_named_with_the_reason_and_odd_names_escaped(tmp_path, capsysbinary):
    (tmp_path / "a.jpg").write_bytes(JPEG)
    (tmp_path / "gone.jpg").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\x1b[2J.txt")).write_bytes(b"")
    assert found(None, tmp_path) == [str(tmp_path / "a.jpg")]
    said = capsysbinary.readouterr().err
    assert b"2 of" in said
    assert b"not a regular file" in said
    assert rb"/\udcff\x1b[2J.txt" in said
    assert b"\x1b" not in said


def test_files_fail_by_the_names_that_objects_do(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"1234")
    assert read(None, tmp_path / "a.jpg", max_bytes=4) == b"1234"
    with pytest.raises(ImageTooLarge):
        read(None, tmp_path / "a.jpg", max_bytes=3)
    with pytest.raises(ImageNotFound):
        read(None, Path("absent.png"), max_bytes=4)
    with pytest.raises(InvalidInput):
        read(None, tmp_path, max_bytes=10**6)
