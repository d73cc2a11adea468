"""classifyBulk: what it takes, what it tells, and how a run ends."""

import json

import pytest

from tests.unit.statemachine.asl import FOLDER, evaluate, next_of

STATES = json.loads((FOLDER / "classify-bulk.asl.json").read_text())["States"]
MAP = STATES["ClassifyBatches"]
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
    assert checked == {
        "problem": "",
        "manifest": MANIFEST,
        "batch_size": 200,
        "tolerated_failure_percentage": 5,
    }
    assert next_of(STATES["IsRunValid"], checked) == "ClassifyBatches"


def test_a_run_may_ask_for_its_own_settings():
    run = {"threshold": 0, "batch_size": 7, "tolerated_failure_percentage": 0.5}
    assert check({"manifest": MANIFEST, **run}) == {"problem": "", "manifest": MANIFEST, **run}


@pytest.mark.parametrize(
    ("run", "problem"),
    [
        (None, "the input must be an object"),
        ([], "the input must be an object"),
        ({}, "manifest must be an object with s3_bucket and s3_key"),
        ({"manifest": []}, "manifest must be an object with s3_bucket and s3_key"),
        ({"manifest": "s3://b/k"}, "manifest must be an object with s3_bucket and s3_key"),
        ({"manifest": {}}, "manifest must have a string that is not empty as s3_key"),
        ({"manifest": {"s3_key": ""}}, "manifest must have a string that is not empty as s3_key"),
        (
            {"manifest": {"s3_key": "k", "s3_bucket": 7}},
            "manifest must have a string that is not empty as s3_bucket",
        ),
        ({"manifest": {"s3_key": "k", "key": "k"}}, "manifest has unknown fields: key"),
        ({"manifest": MANIFEST, "images": []}, "the input has unknown fields: images"),
        ({"manifest": MANIFEST, "threshold": 1.1}, "threshold must be a number from 0 to 1"),
        ({"manifest": MANIFEST, "threshold": "1"}, "threshold must be a number from 0 to 1"),
        (
            {"manifest": MANIFEST, "batch_size": 0},
            "batch_size must be a whole number from 1 to 200",
        ),
        (
            {"manifest": MANIFEST, "batch_size": 201},
            "batch_size must be a whole number from 1 to 200",
        ),
        (
            {"manifest": MANIFEST, "batch_size": 2.5},
            "batch_size must be a whole number from 1 to 200",
        ),
        (
            {"manifest": MANIFEST, "tolerated_failure_percentage": 101},
            "tolerated_failure_percentage must be a number from 0 to 100",
        ),
    ],
)
def test_what_is_wrong_with_a_run_is_said(run, problem):
    checked = check(run)
    assert checked["problem"] == problem
    assert next_of(STATES["IsRunValid"], checked) == "InvalidRun"
    assert evaluate(STATES["InvalidRun"]["Cause"], input=checked) == problem


@pytest.mark.parametrize(
    ("manifest", "bucket"), [(MANIFEST, "photos"), ({"s3_key": MANIFEST["s3_key"]}, "own")]
)
def test_the_manifest_lies_in_the_service_s_bucket_unless_it_says_otherwise(manifest, bucket):
    arguments = MAP["ItemReader"]["Arguments"]
    place = evaluate(arguments, {"service_bucket": "own"}, input=check({"manifest": manifest}))
    assert place == {"Bucket": bucket, "Key": MANIFEST["s3_key"]}


def test_batches_and_tolerance_are_those_of_the_run():
    run = check({"manifest": MANIFEST, "batch_size": 50, "tolerated_failure_percentage": 1})
    batcher = evaluate(MAP["ItemBatcher"], input=run)
    assert batcher["MaxItemsPerBatch"] == 50
    assert batcher["BatchInput"] == {"threshold": run["threshold"]}
    assert evaluate(MAP["ToleratedFailurePercentage"], input=run) == 1
    assert MAP["MaxConcurrency"] > 0


def test_the_largest_batch_fits_into_a_state():
    """200 results of at most 443 bytes beside their keys, and keys three times as long as read."""
    most = check({"manifest": MANIFEST})["batch_size"]
    assert check({"manifest": MANIFEST, "batch_size": most + 1})["problem"]
    assert most * 443 + 3 * MAP["ItemBatcher"]["MaxInputBytesPerBatch"] <= 256 * 1024


@pytest.mark.parametrize(
    ("failed", "tolerated", "state"),
    [
        (0, 0, "Classified"),
        (1, 0, "TooManyFailed"),
        (5, 5, "TellPeople"),
        (6, 5, "TooManyFailed"),
        (100, 100, "TellPeople"),
    ],
)
def test_failed_images_decide_how_a_run_ends(failed, tolerated, state):
    assert next_of(STATES["HowManyFailed"], ended(failed), {"tolerated": tolerated}) == state


def test_a_run_that_failed_says_how_many_and_where_its_results_are():
    cause = evaluate(STATES["TooManyFailed"]["Cause"], {"tolerated": 5}, input=ended(6))
    assert json.loads(cause) == {**ended(6), "tolerated_failure_percentage": 5}


def test_people_are_told_how_many_failed_and_where_to_look():
    message = evaluate(STATES["TellPeople"]["Arguments"], input=ended(3))
    assert message["Subject"] == "3 of 100 images could not be classified"
    assert "python -m scripts.bulk results first --stage dev\n" in message["Message"]
    assert "s3://own/bulk/results/first/map/manifest.json" in message["Message"]
