"""What becomes of the results: of each image, and of the batch."""

import json

import pytest

from tests.unit.statemachine.asl import EXECUTION, ITEM_STATES, STATES, after, evaluate

IMAGE = {"s3_bucket": "photos", "s3_key": "bike.png"}
JUDGED = {**IMAGE, "label": "bicycle", "confidence": 0.7, "inferences": [0.7, 0.3]}
RESULTS = {
    "accepted": {**IMAGE, "status": "accepted", "label": "bicycle", "confidence": 0.9},
    "review": {**IMAGE, "status": "review", "label": "bicycle", "confidence": 0.7},
    "failed": {**IMAGE, "status": "failed", "error": "InvalidImage", "cause": "it is empty"},
}


def batch(*statuses: str) -> dict:
    """The output of the Map over images that ended so."""
    return evaluate(STATES["ClassifyImages"]["Output"], result=[RESULTS[name] for name in statuses])


def caught(state: str, error: str, given: dict = IMAGE, **cause) -> tuple[str, dict]:
    """The next state and the result that the Catch of `state` makes of an error."""
    catchers = ITEM_STATES[state]["Catch"]
    match = next(c for c in catchers if {error, "States.ALL"} & set(c["ErrorEquals"]))
    output = evaluate(match["Output"], input=given, errorOutput={"Error": error, **cause})
    return match["Next"], output


@pytest.mark.parametrize("state", ["SerializeImageData", "ClassifyImage", "FilterLowConfidence"])
def test_any_other_error_ends_in_failed_with_the_sentence_from_lambda(state):
    error = {"errorMessage": "it is empty", "errorType": "InvalidImage", "stackTrace": ["  x\n"]}
    ended = caught(state, "InvalidImage", Cause=json.dumps(error))
    assert ended == ("Failed", RESULTS["failed"])


@pytest.mark.parametrize(
    ("cause", "shown"),
    [
        ({}, ""),
        ({"Cause": "Task timed out after 35 seconds"}, "Task timed out after 35 seconds"),
        ({"Cause": "{'no': json}"}, "{'no': json}"),
        ({"Cause": '{"errorType": "X"}'}, "{?errorType?: ?X?}"),
        ({"Cause": '{"errorMessage": ""}'}, ""),
        ({"Cause": '{"errorMessage": "a \\"b\\" \\\\ c\\nd"}'}, "a ?b? ? c?nd"),
        ({"Cause": '{"errorMessage": "Größe 日本"}'}, "Gr?e ?"),
        ({"Cause": '{"errorMessage": "' + "long " * 99 + '"}'}, ("long " * 30)),
        ({"Cause": '{"errorMessage":"cut off by a li'}, "{?errorMessage?:?cut off by a li"),
    ],
)
def test_causes_are_short_and_plain_whatever_they_are(cause, shown):
    result = caught("ClassifyImage", "States.Timeout", **cause)[1]
    assert result["cause"] == shown
    assert len(json.dumps(result["cause"])) <= 152


def test_counts_add_up_and_results_keep_their_order():
    given = ["review", "failed", "accepted", "failed"]
    output = batch(*given)
    assert [result["status"] for result in output["results"]] == given
    counts = output["counts"]
    assert counts.pop("submitted") == len(given) == sum(counts.values())
    assert counts == {status: given.count(status) for status in RESULTS}


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (["accepted"], "Classified"),
        (["review", "review"], "Classified"),
        (["failed", "review"], "Notify"),
        (["failed", "failed"], "BatchFailed"),
    ],
)
def test_failures_decide_how_a_batch_ends(given, state):
    assert after("HowManyFailed", batch(*given)) == state


def test_a_failed_batch_says_how_many_and_why():
    cause = json.loads(evaluate(STATES["BatchFailed"]["Cause"], input=batch("failed", "failed")))
    assert cause == {
        "counts": {"submitted": 2, "accepted": 0, "review": 0, "failed": 2},
        "errors": {"InvalidImage": 2},
        "first": RESULTS["failed"],
    }


@pytest.mark.parametrize(("failures", "named"), [(1, 1), (9, 5)])
def test_people_are_told_how_many_failed_the_first_errors_and_where_to_look(failures, named):
    output = batch("accepted", *["failed"] * failures)
    message = evaluate(STATES["Notify"]["Arguments"], input=output)
    assert message["Subject"] == f"{failures} of {failures + 1} photos could not be classified"
    assert message["Message"].count("- bike.png\n  InvalidImage: it is empty\n") == named
    assert f"describe-execution --execution-arn {EXECUTION}\n" in message["Message"]
    assert "https://eu-central-1.console.aws.amazon.com/" in message["Message"]
    output["results"][1] = RESULTS["failed"] | {"s3_key": None}
    message = evaluate(STATES["Notify"]["Arguments"], input=output)["Message"]
    assert "- (no s3_key)\n  InvalidImage: it is empty\n" in message


def test_results_survive_a_message_that_cannot_be_sent():
    state, output = STATES["Notify"], batch("accepted", "failed")
    assert evaluate(state["Output"], input=output) == output
    [catcher] = state["Catch"]
    kept = evaluate(catcher["Output"], input=output, errorOutput={"Error": "SNS.NotFoundException"})
    assert kept == {**output, "not_published": "SNS.NotFoundException"}
    assert STATES[catcher["Next"]]["Type"] == "Succeed"
