"""True classes from JSON lines; what holds none is named."""

import json

import pytest

from monitoring import ground_truth
from service.terminal import UserError
from tests.unit.service.memory_s3 import MemoryS3


def line(image_id="id", label="bicycle", **changes) -> str:
    record = {
        "groundTruthData": {"data": label, "encoding": "CSV"},
        "eventMetadata": {"eventId": image_id},
        "eventVersion": "0",
    }
    return json.dumps(record | changes)


def write(path, *lines) -> str:
    path.write_text("\n".join(lines))
    return str(path)


def test_labels_are_read_by_image_id_and_a_later_one_holds(tmp_path):
    write(tmp_path / "a.jsonl", line("one"), "", line("two"), line("two"))
    write(tmp_path / "b.jsonl", line("one", "motorcycle"), line("batch/3", " motorcycle\n"))
    truth = ground_truth.read(str(tmp_path))
    assert truth.labels == {"one": "motorcycle", "two": "bicycle", "batch/3": "motorcycle"}
    assert (truth.relabelled, truth.unreadable) == ({"one"}, [])


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("{cut", "not JSON"),
        ("7", "no eventMetadata.eventId"),
        (line(eventMetadata={}), "no eventMetadata.eventId"),
        (line(eventMetadata={"eventId": 7}), "eventId is no id"),
        (line(image_id=""), "eventId is no id"),
        (line(label=1), "not one label"),
        (line(label=" "), "not one label"),
        (line(groundTruthData={"encoding": "CSV"}), "groundTruthData: 'data'"),
        (
            line(groundTruthData={"data": "bicycle", "encoding": "JSON"}),
            "not one label, encoded as CSV",
        ),
        (line(label="bicycle,motorcycle"), "not one label"),
    ],
)
def test_a_line_without_a_label_is_named_and_the_others_are_read(tmp_path, bad, reason):
    file = write(tmp_path / "a.jsonl", line("one"), bad, line("two"))
    truth = ground_truth.read(file)
    assert set(truth.labels) == {"one", "two"}
    [fault] = truth.unreadable
    assert (fault.file, fault.line) == (file, 2)
    assert reason in fault.reason


def test_objects_below_a_prefix_are_read():
    s3 = MemoryS3()
    for key, image_id in (("truth/a.jsonl", "one"), ("truth/b.jsonl", "two"), ("other/c", "no")):
        s3.put_object("bucket", key, line(image_id).encode(), "")
    assert set(ground_truth.read("s3://bucket/truth/", s3).labels) == {"one", "two"}
    with pytest.raises(UserError, match="no ground truth at s3://bucket/nothing/"):
        ground_truth.read("s3://bucket/nothing/", s3)
