import hashlib
import json

from scripts.bulk_runs.entries import Entry
from scripts.bulk_runs.manifest import publish
from tests.unit.scripts.memory_s3 import MemoryS3

TWICE = [Entry("", "a"), Entry("x", "a"), Entry("", "b", 2), Entry("", "a"), Entry("", "b")]


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
