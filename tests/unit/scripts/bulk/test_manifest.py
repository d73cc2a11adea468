import hashlib
import json
import os
from pathlib import Path

import pytest

from scripts.bulk.manifest import KEY_BYTES, Entry, list_entries, parse_entry, publish
from service import terminal
from service.terminal import UserError
from tests.unit.service.memory_s3 import MemoryS3

TWICE = [Entry("", "a"), Entry("x", "a"), Entry("", "b", 2), Entry("", "a"), Entry("", "b")]


def line(**fields) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("given", "entry"),
    [
        (line(s3_key="a b+é.png"), Entry("", "a b+é.png", 1)),
        (line(s3_key="a.png", s3_bucket="own"), Entry("", "a.png", 1)),
        (line(s3_key="a.png", s3_bucket="other", listed=3), Entry("other", "a.png", 3)),
        (line(s3_key="a.png", image_data="", inferences=[]), Entry("", "a.png", 1)),
        (line(s3_key="é" * (KEY_BYTES // 2)), Entry("", "é" * (KEY_BYTES // 2), 1)),
        (Entry("other", "a.png", 4).to_line(), Entry("other", "a.png", 4)),
        (Entry("", 'q"\n\u2028é.png', 2).to_line(), Entry("", 'q"\n\u2028é.png', 2)),
    ],
)
def test_a_line_names_a_photo(given, entry):
    assert parse_entry(given, "own") == entry
    assert given.count(b"\n") <= 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"photos/1.jpg", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'["a.png"]', "must be an object"),
        (line(s3_bucket="b"), "lacks s3_key"),
        (line(s3_key=""), "s3_key must be a string"),
        (line(s3_key="a.png", s3_bucket=""), "s3_bucket must be a string"),
        (line(s3_key="a.png", key="b"), "not 'key'"),
        (b'{"s3_key": "\\ud800.png"}', "surrogate"),
        (line(s3_key="k" * (KEY_BYTES + 1)), "longer than S3"),
        (line(s3_key="a.png", listed=0), "listed must"),
    ],
)
def test_a_line_that_names_none_is_refused_with_what_is_wrong(given, said):
    with pytest.raises(UserError, match=said):
        parse_entry(given, "own")


def lines(s3, made) -> list[dict]:
    return [json.loads(line) for line in s3.objects[made.key].splitlines()]


def test_a_photo_listed_twice_is_one_line_that_says_so_or_two_if_duplicates_are_kept():
    s3 = MemoryS3()
    made = publish(s3, "own", iter(TWICE))
    assert lines(s3, made) == [
        {"s3_key": "a", "listed": 2},
        {"s3_key": "a", "s3_bucket": "x"},
        {"s3_key": "b", "listed": 3},
    ]
    assert (made.lines, made.submitted) == (3, 6)
    made = publish(s3, "own", iter(TWICE), keep_duplicates=True)
    assert [line["s3_key"] for line in lines(s3, made)] == ["a", "a", "b", "a", "b"]
    assert (made.lines, made.submitted) == (5, 6)


def test_a_manifest_is_named_by_its_content_and_sent_once():
    s3 = MemoryS3()
    first, second = (publish(s3, "own", iter(TWICE)) for _ in range(2))
    assert first.key == second.key
    digest = hashlib.sha256(s3.objects[first.key]).hexdigest()
    assert first.key == f"bulk/manifests/{digest}.jsonl"
    assert (first.sent, second.sent, len(s3.changes)) == (True, False, 1)
    assert publish(s3, "own", iter(TWICE[:2])).key != first.key
    assert publish(MemoryS3(), "own", iter(())).lines == 0


def keys_of(s3, source) -> list[str]:
    return [entry.s3_key for entry in list_entries(s3, "own", str(source))]


@pytest.fixture
def folder(tmp_path):
    for name in ("b.PNG", "a.jpg", "notes.txt", "in/c é.webp", "in/d.jpeg"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(name.encode())
    return tmp_path / "photos"


def test_photos_in_s3_are_listed_with_their_bucket_if_it_is_another():
    s3 = MemoryS3()
    for key in ("photos/b.png", "photos/x/a b+c.JPG", "photos/readme.md", "photos-old/c.png"):
        s3.put_object("own", key, b"", "")
    assert keys_of(s3, "s3://own/photos") == ["photos/b.png", "photos/x/a b+c.JPG"]
    assert list(list_entries(s3, "own", "s3://own/photos/b.png")) == [Entry("", "photos/b.png")]
    other = list(list_entries(s3, "own", "s3://other/photos/b.png"))
    assert other == [Entry("other", "photos/b.png")]


def test_a_manifest_here_or_in_s3_lists_its_lines(tmp_path):
    body = b'\xef\xbb\xbf{"s3_key": "a.png"}\r\n\n{"s3_key": "b.png", "s3_bucket": "other"}'
    s3, path = MemoryS3(), tmp_path / "m.jsonl"
    path.write_bytes(body)
    s3.put_object("any", "x/m.jsonl", body, "")
    for source in (str(path), "s3://any/x/m.jsonl"):
        entries = list(list_entries(s3, "own", source))
        assert entries == [Entry("", "a.png"), Entry("other", "b.png")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32"])
def test_a_manifest_in_another_encoding_is_one_line_that_says_what_to_do(tmp_path, encoding):
    (tmp_path / "m.jsonl").write_text('{"s3_key": "é.png"}\n' * 3, encoding=encoding)
    with pytest.raises(UserError, match=r"m\.jsonl is UTF-(16|32).*: save it as UTF-8"):
        keys_of(None, tmp_path / "m.jsonl")


def test_all_lines_that_are_wrong_are_counted_and_the_first_ten_named(tmp_path):
    source = tmp_path / "m.jsonl"
    source.write_text('{"s3_key": "a.png"}\n\n' + '{"s3_key": ""}\nphotos/a.jpg\n' * 150)
    with pytest.raises(UserError) as error:
        keys_of(None, source)
    said = terminal.explain(error.value)
    assert "m.jsonl: 300 of 302 lines are wrong. line 3: s3_key must be a string that" in said
    assert said.endswith("line 12: it is not JSON and 290 more.")


def test_a_file_that_is_neither_a_photo_nor_a_manifest_is_one_line(tmp_path):
    (tmp_path / "list.csv").write_bytes(b"a.png")
    with pytest.raises(UserError, match=r"list.csv is neither a photo .* nor a manifest\.jsonl"):
        keys_of(MemoryS3(), tmp_path / "list.csv")


def test_a_folder_is_uploaded_by_content_and_name_and_only_once(folder):
    s3 = MemoryS3()
    keys = keys_of(s3, folder)
    assert [key.split("/", 3)[3] for key in keys] == ["a.jpg", "b.PNG", "in/c é.webp", "in/d.jpeg"]
    assert all(key.startswith("bulk/photos/") for key in keys)
    assert {key: body.decode() for key, body in s3.objects.items()} == {
        key: key.split("/", 3)[3] for key in keys
    }
    (folder / "a.jpg").write_bytes(b"another")
    changed = keys_of(s3, folder)
    assert changed[0] not in keys
    assert changed[1:] == keys[1:]
    (folder / "a.jpg").write_bytes(b"a.jpg")
    del s3.objects[keys[1]]  # as if the first submission had been interrupted
    s3.changes.clear()
    assert keys_of(s3, folder) == keys
    assert s3.changes == [f"put {keys[1]}"]
    assert keys_of(s3, folder / "a.jpg") == keys[:1]


def test_all_photos_that_cannot_be_uploaded_are_named_once_the_others_are(tmp_path):
    deep = tmp_path.joinpath(*["d" * 200] * 5)
    deep.mkdir(parents=True)
    (deep / "a.png").write_bytes(b"")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png")).write_bytes(b"")
    (tmp_path / "z.png").write_bytes(b"")
    s3 = MemoryS3()
    with pytest.raises(UserError, match=r"2 photos .*/\udcff.png is not UTF-8, .*; .* too long"):
        keys_of(s3, tmp_path)
    (key,) = s3.objects
    assert key.endswith("/z.png")
