"""Accuracy promised and true, checked by hand; true classes from JSON lines."""

import json

import pandas as pd
import pytest

from model.training import evaluation
from monitoring import accuracy, table
from service.terminal import UserError
from tests.monitoring.frames import week


def make(confidence, right):
    """Photos and the labels of ground truth that make them right or not."""
    ids = [f"id-{number}" for number in range(len(confidence))]
    truth = {
        name: "bicycle" if good else "motorcycle" for name, good in zip(ids, right, strict=True)
    }
    photos = pd.DataFrame({"image_id": ids, "label": "bicycle", "confidence": confidence})
    return photos, truth


def test_the_expected_accuracy_is_the_mean_confidence_and_the_true_one_that_of_labelled_photos():
    photos, truth = make([0.9] * 5 + [0.5] * 5, [True] * 3 + [False] * 7)
    some = {name: truth[name] for name in list(truth)[:4]}
    result = accuracy.measure(photos, {**some, "another photo": "bicycle"})
    assert (result.true, result.labelled) == (0.75, 4)
    assert (result.true_low, result.true_high) == accuracy.wilson(3, 4)
    assert result.expected_labelled == pytest.approx(0.9)
    assert result.expected == pytest.approx(0.7)
    assert result.expected_low <= 0.7 <= result.expected_high
    assert (accuracy.measure(photos, {}).true, accuracy.measure(photos, {}).labelled) == (None, 0)


@pytest.mark.parametrize(("right", "count"), [(0, 3), (81, 263), (10, 10)])
def test_the_interval_is_that_of_the_training_job(right, count):
    assert accuracy.wilson(right, count) == pytest.approx(evaluation.wilson_interval(right, count))


def test_a_shortfall_is_as_likely_as_the_binomial_says():
    photos, truth = make([0.9] * 10, [True] * 6 + [False] * 4)
    result = accuracy.measure(photos, truth)
    assert accuracy.shortfall_p_value(result) == pytest.approx(0.0127951984)  # B(6; 10, 0.9)


def test_each_class_of_the_model_has_its_shares_and_its_median_confidence():
    frame = week(4, ("bicycle", "motorcycle", "tram"))
    frame["label"] = ["bicycle", "bicycle", "bicycle", "motorcycle"]
    frame["confidence"] = pd.Series([0.99, 0.96, 0.5, 0.9], dtype="float32")
    before = pd.DataFrame({"label": ["bicycle", "tram"]})
    rows = accuracy.summarize_classes(frame, 0.96, before)
    assert rows.index.tolist() == table.probabilities(frame)[0]
    assert rows["photos"].tolist() == [3, 1, 0]
    assert rows["share"].tolist() == [0.75, 0.25, 0]
    assert rows["share_before"].tolist() == [0.5, 0, 0.5]
    assert rows["accepted"].tolist()[:2] == [pytest.approx(2 / 3), 0]
    assert rows["median_confidence"].tolist()[:2] == pytest.approx([0.96, 0.9])
    assert rows.loc["tram", ["accepted", "median_confidence"]].isna().all()
    assert accuracy.summarize_classes(frame, 0.96)["share_before"].isna().all()


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
    truth = accuracy.read_ground_truth(str(tmp_path))
    assert truth.labels == {"one": "motorcycle", "two": "bicycle", "batch/3": "motorcycle"}
    assert (truth.relabelled, truth.unreadable) == ({"one"}, [])


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("{cut", "not JSON"),
        ("7", "it is no such record"),
        (line(eventMetadata={}), "it has no 'eventId'"),
        (line(eventMetadata={"eventId": 7}), "eventId is no id"),
        (line(image_id=""), "eventId is no id"),
        (line(label=1), "not one label"),
        (line(label=" "), "not one label"),
        (line(groundTruthData={"encoding": "CSV"}), "it has no 'data'"),
        (line(groundTruthData={"data": "bicycle", "encoding": "JSON"}), "encoded as CSV"),
        (line(label="bicycle,motorcycle"), "not one label"),
    ],
)
def test_a_line_without_a_label_is_named_and_the_others_are_read(tmp_path, bad, reason):
    file = write(tmp_path / "a.jsonl", line("one"), bad, line("two"))
    truth = accuracy.read_ground_truth(file)
    assert set(truth.labels) == {"one", "two"}
    [fault] = truth.unreadable
    assert (fault.file, fault.line) == (file, 2)
    assert reason in fault.reason


def test_objects_below_a_prefix_are_read(s3):
    for key, image_id in (("truth/a.jsonl", "one"), ("truth/b.jsonl", "two"), ("other/c", "no")):
        s3.put_object("bucket", key, line(image_id).encode(), "")
    assert set(accuracy.read_ground_truth("s3://bucket/truth/").labels) == {"one", "two"}
    with pytest.raises(UserError, match="no ground truth at s3://bucket/nothing/"):
        accuracy.read_ground_truth("s3://bucket/nothing/")
