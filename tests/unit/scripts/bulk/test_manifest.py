import hashlib
import json

import pytest

from scripts.bulk.manifest import KEY_BYTES, LINE_BYTES, Entry, parse_entry, publish
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
    ],
)
def test_a_line_names_an_image(given, entry):
    assert parse_entry(given, "own") == entry


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"photos/1.jpg", "not JSON"),
        (b'{"s3_key": "a.png"', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'["a.png"]', "not an object"),
        (b"null", "not an object"),
        (line(s3_bucket="b"), "lacks s3_key"),
        (line(s3_key=""), "s3_key must be a string"),
        (line(s3_key=7), "s3_key must be a string"),
        (line(s3_key="a.png", s3_bucket=""), "s3_bucket must be a string"),
        (line(s3_key="a.png", s3_bucket=None), "s3_bucket must be a string"),
        (line(s3_key="a.png", key="b"), "unknown field 'key'"),
        (line(s3_key="a.png", threshold=0.5), "unknown field 'threshold'"),
        (b'{"s3_key": "\\ud800.png"}', "surrogate"),
        (line(s3_key="k" * (KEY_BYTES + 1)), "1025 bytes"),
        (line(s3_key="a.png", s3_bucket="b" * 64), "64 bytes"),
        (line(s3_key="a.png", listed=0), "listed must"),
        (line(s3_key="a.png", listed=1.0), "listed must"),
        (line(s3_key="a.png", listed=True), "listed must"),
        (line(s3_key="a.png", listed=10**10), "listed must"),
        (b" " * (LINE_BYTES + 1), "more than"),
    ],
)
def test_a_line_that_names_none_is_refused_with_what_is_wrong(given, said):
    with pytest.raises(UserError, match=said):
        parse_entry(given, "own")


@pytest.mark.parametrize(
    "entry", [Entry("", "a.png"), Entry("other", "a.png", 4), Entry("", 'q"\n\u2028é.png', 2)]
)
def test_an_entry_survives_being_written(entry):
    written = entry.to_line()
    assert written.count(b"\n") == 1
    assert parse_entry(written, "own") == entry


def lines(s3, manifest) -> list[dict]:
    return [json.loads(line) for line in s3.objects[manifest.key].splitlines()]


def test_an_image_listed_twice_is_one_line_that_says_so():
    s3 = MemoryS3()
    made = publish(s3, "own", iter(TWICE))
    assert lines(s3, made) == [
        {"s3_key": "a", "listed": 2},
        {"s3_key": "a", "s3_bucket": "x"},
        {"s3_key": "b", "listed": 3},
    ]
    assert (made.lines, made.submitted, made.elsewhere) == (3, 6, {"x": 1})


def test_duplicates_are_kept_as_they_are_listed():
    s3 = MemoryS3()
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


def test_of_no_images_there_is_no_manifest():
    s3 = MemoryS3()
    assert publish(s3, "own", iter(())).lines == 0
    assert not s3.objects
