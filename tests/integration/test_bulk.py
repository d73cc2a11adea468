"""classifyBulk on the deployed service: every image of a manifest ends in exactly one way."""

from collections import Counter

import pytest

from handlers.outcomes import tally
from tests.integration.fault_server import configured


@pytest.fixture(scope="module")
def lines(batch, service) -> list[dict]:
    """A manifest of 251 lines: good photos, some of them again, and four that cannot be read."""
    good = [{"s3_key": image["s3_key"]} for image in batch["images"]] * 6
    service.put("tests/bulk/no-photo.png", b"a letter")
    bad = [
        {"s3_key": "tests/bulk/absent.png", "listed": 3},
        {"s3_key": "tests/bulk/no-photo.png"},
        {"s3_bucket": "somebody-elses", "s3_key": "a.png"},
        {"key": "a.png"},
    ]
    return [*good[:100], *bad, *good[:147]]


@pytest.fixture(scope="module")
def execution(lines, service) -> dict:
    return service.classify_bulk(lines, threshold=0.9, batch_size=64)


def test_there_is_a_line_an_image_with_what_became_of_it_and_counts_add_up(
    execution, lines, service
):
    assert execution["status"] == "SUCCEEDED", execution
    counts = execution["output"]["counts"]
    assert counts["submitted"] == len(lines) + 2
    assert counts["failed"] == 6
    assert counts["accepted"] + counts["review"] == len(lines) - 4

    results = service.bulk_results(execution)
    listed = Counter(line.get("s3_key") for line in lines)
    assert Counter(result["s3_key"] for result in results) == listed
    errors = {result["s3_key"]: result["error"] for result in results if "error" in result}
    assert errors == {
        "tests/bulk/absent.png": "ImageNotFound",
        "tests/bulk/no-photo.png": "InvalidImage",
        "a.png": "BucketNotAllowed",
        None: "InvalidInput",
    }
    for result in results:
        if result["status"] != "failed":
            assert (result["confidence"] >= 0.9) == (result["status"] == "accepted")
    good = [result for result in results if result["status"] != "failed"]
    assert len({result["inference_id"] for result in good}) == len(good)


def test_it_answers_as_classify_does(execution, classified, service):
    *one_by_one, _ = classified["output"]["results"]
    at_once = {result["s3_key"]: result for result in service.bulk_results(execution)}
    for alone in one_by_one:
        bulk = at_once[alone["s3_key"]]
        assert (bulk["status"], bulk["label"]) == (alone["status"], alone["label"])
        assert bulk["confidence"] == pytest.approx(alone["confidence"], abs=1e-4)


def test_captures_bear_the_inference_ids_of_the_results(execution, service):
    ids = {r["inference_id"] for r in service.bulk_results(execution) if "inference_id" in r}
    captured = {record["eventMetadata"].get("inferenceId") for record in service.captures()}
    assert {identity.split("/")[0] for identity in ids} <= captured


def test_batches_that_fail_are_counted_image_by_image(lines, service):
    with configured(service, ENDPOINT_NAME="no-such-endpoint"):
        run = service.classify_bulk(lines[:90], batch_size=40, tolerated_failure_percentage=100)
    assert run["status"] == "SUCCEEDED", run
    counts = {"submitted": 90, **tally(["failed"] * 90)}
    assert run["output"]["counts"] == counts


def test_keys_of_any_length_fit_into_the_state(service):
    """Keys as long as S3 allows, of what JSON makes longest: far fewer fit into a batch."""
    keys = [f"{number:03}/" + "é" * 510 for number in range(150)]
    keys += [f"{number:03}/" + "\x01" * 1020 for number in range(50)]
    lines = [{"s3_key": key} for key in keys]
    run = service.classify_bulk(lines, tolerated_failure_percentage=100)
    assert run["status"] == "SUCCEEDED", run
    results = service.bulk_results(run)
    assert sorted(result["s3_key"] for result in results) == sorted(keys)
    assert {result["error"] for result in results} == {"ImageNotFound"}


@pytest.mark.parametrize(
    ("manifest", "error", "cause"),
    [
        ({"s3_key": "bulk/manifests/absent.jsonl"}, "States.ItemReaderFailed", "does not exist"),
        ({"s3_key": "photos/manifest.jsonl"}, "States.ItemReaderFailed", "not authorized"),
        ({}, "InvalidRun", "s3_key"),
    ],
)
def test_a_run_that_cannot_start_says_why(manifest, error, cause, service):
    execution = service.wait(service.start_bulk({"manifest": manifest}))
    assert (execution["status"], execution["error"]) == ("FAILED", error)
    assert cause in execution["cause"]
