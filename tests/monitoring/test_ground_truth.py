"""True classes from JSON lines; what holds none is named."""

import gzip
import json

import pytest

from monitoring import ground_truth
from service.terminal import UserError
from tests.unit.service.memory_s3 import MemoryS3


def line(image_id="id", label="bicycle", **changes):
    record = {
        "groundTruthData": {"data": label, "encoding": "CSV"},
        "eventMetadata": {"eventId": image_id},
        "eventVersion": "0",
    }
    return json.dumps(record | changes)


def write(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines))
    return str(path)


def test_labels_are_read_by_image_id(tmp_path):
    file = write(tmp_path / "a.jsonl", line("one"), "", line("batch/3", " motorcycle\n"))
    found = ground_truth.read(file)
    assert found.labels == {"one": "bicycle", "batch/3": "motorcycle"}
    assert found.unreadable == []


def test_a_later_label_holds_and_that_there_are_two_is_noted(tmp_path):
    write(tmp_path / "2026" / "a.jsonl", line("one"), line("two"), line("two"))
    write(tmp_path / "2027" / "a.jsonl", line("one", "motorcycle"))
    found = ground_truth.read(str(tmp_path))
    assert found.labels == {"one": "motorcycle", "two": "bicycle"}
    assert found.relabelled == ["one"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("{cut", "not JSON"),
        ("7", "no eventMetadata.eventId"),
        ("[]", "no eventMetadata.eventId"),
        (line(eventMetadata={}), "no eventMetadata.eventId"),
        (line(eventMetadata={"eventId": 7}), "eventId is no id"),
        (line(image_id=""), "eventId is no id"),
        (line(label=1), "no label"),
        (line(label=" "), "no label"),
        (line(groundTruthData={"encoding": "CSV"}), "groundTruthData: 'data'"),
        (line(groundTruthData={"data": "bicycle", "encoding": "JSON"}), "encoding is 'JSON'"),
        (line(groundTruthData=None), "or groundTruthData"),
        (line(label="bicycle,motorcycle"), "more than one value"),
    ],
)
def test_a_line_without_a_label_is_named_and_the_others_are_read(tmp_path, bad, reason):
    file = write(tmp_path / "a.jsonl", line("one"), bad, line("two"))
    found = ground_truth.read(file)
    assert set(found.labels) == {"one", "two"}
    [fault] = found.unreadable
    assert (fault.file, fault.line) == (file, 2)
    assert reason in fault.reason


def test_objects_below_a_prefix_are_read_gzipped_or_not():
    s3 = MemoryS3()
    s3.put_object("bucket", "truth/a.jsonl", line("one").encode(), "")
    s3.put_object("bucket", "truth/b.jsonl.gz", gzip.compress(line("two").encode()), "")
    s3.put_object("bucket", "other/c.jsonl", line("three").encode(), "")
    found = ground_truth.read("s3://bucket/truth/", connect=lambda _: s3)
    assert set(found.labels) == {"one", "two"}


def test_nothing_there_is_said(tmp_path):
    with pytest.raises(UserError, match="no ground truth"):
        ground_truth.read("s3://bucket/truth/", connect=lambda _: MemoryS3())
    with pytest.raises(UserError, match="no file or folder"):
        ground_truth.read(str(tmp_path / "missing"))
