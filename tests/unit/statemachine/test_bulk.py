"""classifyBulk: what it takes, what it tells, and how a run ends."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.statemachine.asl import FOLDER, evaluate, next_of

STATES = json.loads((FOLDER / "classify-bulk.asl.json").read_text())["States"]
MAP = STATES["ClassifyBatches"]
CHILD = MAP["ItemProcessor"]["States"]
MANIFEST = {"s3_bucket": "photos", "s3_key": "bulk/manifests/x.jsonl"}
RESULTS = {"s3_bucket": "own", "s3_key": "bulk/results/first/map/manifest.json"}


def check(run) -> dict:
    """What CheckRun makes of an input."""
    return evaluate(STATES["CheckRun"]["Output"], input=run)


def ended(failed: int, submitted: int = 100) -> dict:
    """The state after CountResults."""
    counts = {"submitted": submitted, "accepted": submitted - failed, "review": 0, "failed": failed}
    return {"counts": counts, "results": RESULTS}


def test_a_manifest_alone_is_enough():
    checked = check({"manifest": MANIFEST})
    assert checked.pop("threshold") > 0.5
    usual = {"batch_size": 200, "tolerated_failure_percentage": 5}
    assert checked == {"problem": "", "manifest": MANIFEST, **usual}
    assert next_of(STATES["IsRunValid"], checked) == "ClassifyBatches"
    run = {"threshold": 0, "batch_size": 7, "tolerated_failure_percentage": 0.5}
    assert check({"manifest": MANIFEST, **run}) == {"problem": "", "manifest": MANIFEST, **run}


@pytest.mark.parametrize(
    ("run", "problem"),
    [
        (None, "the input must be an object"),
        ({"manifest": None}, "manifest must be an object with s3_bucket and s3_key"),
        ({"manifest": "s3://b/k"}, "manifest must be an object with s3_bucket and s3_key"),
        ({"manifest": {}}, "manifest must have a string that is not empty as s3_key"),
        ({"manifest": {"s3_key": ""}}, "manifest must have a string that is not empty as s3_key"),
        ({"manifest": {"s3_key": "k", "s3_bucket": 7}}, "not empty as s3_bucket"),
        ({"manifest": {"s3_key": "k", "key": "k"}}, "manifest has unknown fields: key"),
        ({"images": []}, "the input has unknown fields: images"),
        ({"threshold": 1.1}, "threshold must be a number from 0 to 1"),
        ({"threshold": "1"}, "threshold must be a number from 0 to 1"),
        ({"batch_size": 201}, "batch_size must be a whole number from 1 to 200"),
        ({"batch_size": 2.5}, "batch_size must be a whole number from 1 to 200"),
        ({"tolerated_failure_percentage": 101}, "must be a number from 0 to 100"),
    ],
)
def test_what_is_wrong_with_a_run_is_said(run, problem):
    checked = check(run and {"manifest": MANIFEST} | run)
    assert checked["problem"].endswith(problem)
    assert next_of(STATES["IsRunValid"], checked) == "InvalidRun"
    assert evaluate(STATES["InvalidRun"]["Cause"], input=checked) == checked["problem"]


@pytest.mark.parametrize(
    ("manifest", "bucket"), [(MANIFEST, "photos"), ({"s3_key": MANIFEST["s3_key"]}, "own")]
)
def test_the_manifest_lies_in_the_service_s_bucket_unless_it_says_otherwise(manifest, bucket):
    (valid,) = STATES["IsRunValid"]["Choices"]
    checked = check({"manifest": manifest, "batch_size": 7})
    run = evaluate(valid["Output"], {"service_bucket": "own"}, input=checked)
    assert run == {**checked, "manifest": {"s3_bucket": bucket, "s3_key": MANIFEST["s3_key"]}}
    place = evaluate(MAP["ItemReader"]["Arguments"], input=run)
    assert place == {"Bucket": bucket, "Key": MANIFEST["s3_key"]}


def test_the_distributed_map_uses_no_variable_of_the_states_around_it():
    """https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html"""
    outside = {name for state in STATES.values() for name in state.get("Assign", {})}
    assert outside
    assert not outside & set(re.findall(r"\$(\w+)", json.dumps(MAP)))


@pytest.mark.parametrize(
    ("left", "seconds", "state"),
    [(0, 1, "ClassifyImage"), (3, 119, "WaitForStorage"), (3, 121, "ClassifyImage")],
)
def test_a_child_goes_round_while_photos_are_left_and_time(left, seconds, state):
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    entered = (begun + timedelta(seconds=seconds)).isoformat()
    context = {"State": {"EnteredTime": entered}, "Execution": {"StartTime": begun.isoformat()}}
    assert next_of(CHILD["IsAnyLeft"], {"left": left}, context=context) == state


def test_the_last_round_leaves_time_for_the_rest_of_the_child_s_work():
    """Of five minutes: the last round begins by the bound of IsAnyLeft and its wait."""
    (again,) = CHILD["IsAnyLeft"]["Choices"]
    milliseconds = int(re.search(r"< (\d+)", again["Condition"])[1])
    last = milliseconds / 1000 + CHILD["WaitForStorage"]["Seconds"] + 120
    assert last + 30 < 300


def test_the_largest_batch_fits_into_a_state():
    """200 results of at most 466 bytes beside their keys, and keys three times as long as read."""
    most = check({"manifest": MANIFEST})["batch_size"]
    assert check({"manifest": MANIFEST, "batch_size": most + 1})["problem"]
    assert most * 466 + 3 * MAP["ItemBatcher"]["MaxInputBytesPerBatch"] <= 256 * 1024


@pytest.mark.parametrize(
    ("failed", "tolerated", "state"),
    [(0, 0, "Classified"), (5, 5, "Notify"), (6, 5, "TooManyFailed")],
)
def test_failed_images_decide_how_a_run_ends(failed, tolerated, state):
    assert next_of(STATES["HowManyFailed"], ended(failed), {"tolerated": tolerated}) == state


def test_a_run_says_how_many_failed_and_where_its_results_are():
    cause = evaluate(STATES["TooManyFailed"]["Cause"], {"tolerated": 5}, input=ended(6))
    assert json.loads(cause) == {**ended(6), "tolerated_failure_percentage": 5}
    message = evaluate(STATES["Notify"]["Arguments"], input=ended(3))
    assert message["Subject"] == "3 of 100 photos could not be classified"
    assert "python -m scripts.bulk results first --stage dev\n" in message["Message"]
    assert "s3://own/bulk/results/first/map/manifest.json" in message["Message"]
