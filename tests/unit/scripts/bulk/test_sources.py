import pytest

from scripts.bulk.manifest import LINE_BYTES, Entry
from scripts.bulk.sources import entries_of
from service.terminal import UserError
from tests.unit.service.memory_s3 import MemoryS3


def keys_of(s3, source) -> list[str]:
    return [entry.s3_key for entry in entries_of(s3, "own", str(source))]


@pytest.fixture
def folder(tmp_path):
    for name in ("b.PNG", "a.jpg", "notes.txt", "in/c é.webp", "in/d.jpeg"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(name.encode())
    return tmp_path / "photos"


def test_a_prefix_lists_the_photos_below_it():
    s3 = MemoryS3()
    for key in ("photos/b.png", "photos/x/a b+c.JPG", "photos/readme.md", "other/c.png"):
        s3.put_object("own", key, b"", "")
    assert keys_of(s3, "s3://own/photos/") == ["photos/b.png", "photos/x/a b+c.JPG"]
    assert list(entries_of(s3, "own", "s3://own/photos/b")) == [Entry("", "photos/b.png")]
    assert list(entries_of(s3, "own", "s3://other/photos/b")) == [Entry("other", "photos/b.png")]
    assert len(keys_of(s3, "s3://own")) == 3


@pytest.mark.parametrize("where", ["here", "in S3"])
def test_a_manifest_lists_its_lines(tmp_path, where):
    body = b'\xef\xbb\xbf{"s3_key": "a.png"}\r\n\n{"s3_key": "b.png", "s3_bucket": "other"}'
    s3, source = MemoryS3(), tmp_path / "m.jsonl"
    source.write_bytes(body)
    if where == "in S3":
        s3.put_object("any", "x/m.jsonl", body, "")
        source = "s3://any/x/m.jsonl"
    entries = list(entries_of(s3, "own", str(source)))
    assert entries == [Entry("", "a.png"), Entry("other", "b.png")]


def test_a_bad_line_is_named_by_its_number_and_what_is_wrong(tmp_path):
    source = tmp_path / "m.jsonl"
    source.write_text('{"s3_key": "a.png"}\n\n{"s3_key": ""}\n')
    with pytest.raises(UserError, match=r"m\.jsonl, line 3: s3_key must be a string that is not"):
        keys_of(None, source)


def test_a_file_without_an_end_of_line_is_not_read_into_memory(tmp_path):
    source = tmp_path / "m.jsonl"
    with source.open("wb") as file:
        file.truncate(50 * LINE_BYTES)
    with pytest.raises(UserError, match="line 1: it has more than"):
        keys_of(None, source)


@pytest.mark.parametrize(
    "source", ["absent.jsonl", "photo.png", "s3://own/absent.jsonl", "s3://", "s3://A_b/c"]
)
def test_what_is_no_source_is_one_line(tmp_path, source, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=source):
        keys_of(MemoryS3(), source)


def test_a_folder_is_uploaded_by_content_and_name_and_only_once(folder):
    s3 = MemoryS3()
    keys = keys_of(s3, folder)
    assert [key.split("/", 3)[3] for key in keys] == ["a.jpg", "b.PNG", "in/c é.webp", "in/d.jpeg"]
    assert all(key.startswith("bulk/photos/") for key in keys)
    assert {key: body.decode() for key, body in s3.objects.items()} == {
        key: key.split("/", 3)[3] for key in keys
    }
    sent = len(s3.changes)
    assert keys_of(s3, folder) == keys
    assert len(s3.changes) == sent


def test_a_photo_that_changed_gets_a_key_of_its_own(folder):
    s3 = MemoryS3()
    before = keys_of(s3, folder)
    (folder / "a.jpg").write_bytes(b"another")
    after = keys_of(s3, folder)
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, True, True, True]
    assert (s3.objects[before[0]], s3.objects[after[0]]) == (b"a.jpg", b"another")


def test_a_folder_of_many_photos_keeps_their_order(tmp_path):
    names = [f"{number:03}.png" for number in range(120)]
    for name in names:
        (tmp_path / name).write_bytes(name.encode())
    assert [key.rsplit("/")[-1] for key in keys_of(MemoryS3(), tmp_path)] == names


def test_a_name_that_s3_cannot_hold_is_one_line(tmp_path):
    deep = tmp_path.joinpath(*["d" * 200] * 5)
    deep.mkdir(parents=True)
    (deep / "a.png").write_bytes(b"")
    with pytest.raises(UserError, match="too long"):
        keys_of(MemoryS3(), tmp_path)
