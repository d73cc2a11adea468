"""What people read of an execution that ended badly."""

import json

import pytest

from tests.unit.statemachine.asl import FOLDER, evaluate

STATE = json.loads((FOLDER / "notify.asl.json").read_text())["States"]["Notify"]
ARN = "arn:aws:states:eu-north-1:123456789012:{}:scones-vehicles-dev-{}"
IMAGES = {"images": [{"s3_key": "a.png"}, {"s3_key": 'b"s3_key":.png'}, {"s3_key": "c.png"}]}
COUNTS = {"counts": {"submitted": 40, "accepted": 0, "review": 0, "failed": 40}}


def notify(machine="classify", status="FAILED", **detail) -> dict:
    """The message about an execution; `input` comes as an object, or as the text that it is."""
    given = detail.pop("input", IMAGES)
    event = {
        "executionArn": ARN.format("execution", machine) + ":first",
        "stateMachineArn": ARN.format("stateMachine", machine),
        "name": "first",
        "status": status,
        "startDate": 1_700_000_000_000,
        "stopDate": 1_700_000_060_000,
        "input": given if given is None else json.dumps(given),
        "error": None,
        "cause": None,
        **detail,
    }
    return evaluate(STATE["Arguments"], input={"source": "aws.states", "detail": event})


def test_a_failed_batch_is_reported_with_its_error_and_its_counts():
    message = notify(error="BatchFailed", cause=json.dumps(COUNTS))
    assert message["Subject"] == "scones-vehicles-dev-classify FAILED: BatchFailed"
    text = message["Message"]
    assert "The execution first of scones-vehicles-dev-classify ended FAILED." in text
    assert "Error:   BatchFailed\n" in text
    assert "Photos:  40 of 40 failed\n" in text
    assert "Ended:   2023-11-14 22:14:20 UTC\n" in text
    arn = ARN.format("execution", "classify") + ":first"
    console = "https://eu-north-1.console.aws.amazon.com/states/home?region=eu-north-1"
    assert f"{console}#/v2/executions/details/{arn}\n" in text
    assert f"describe-execution --execution-arn {arn}\n" in text


def test_an_execution_may_end_without_error_or_cause():
    message = notify(status="TIMED_OUT")
    assert message["Subject"] == "scones-vehicles-dev-classify TIMED_OUT"
    assert "Error:   none given\nCause:   none given\n" in message["Message"]


MANIFEST = {"manifest": {"s3_bucket": "guests", "s3_key": "x.jsonl"}}
LANDED = {"detail-type": "Object Created", "detail": {}}
# S3 refuses a key that it does not have with AccessDenied where it may not be listed.
MISSING = "those of the manifest x.jsonl, if it is there: S3 may refuse"


@pytest.mark.parametrize(
    ("given", "error", "images"),
    [
        (IMAGES, None, "3 submitted\n"),
        ({}, None, "unknown\n"),
        (None, None, "unknown\n"),
        (MANIFEST, None, "those of the manifest x.jsonl\n"),
        (MANIFEST, "States.ItemReaderFailed", MISSING),
        (LANDED, None, "1, which landed below incoming/\n"),
    ],
)
def test_how_many_images_is_read_from_the_input_where_nothing_was_counted(given, error, images):
    assert f"Photos:  {images}" in notify(input=given, error=error)["Message"]


def test_a_bulk_run_is_reported_with_the_command_that_shows_it():
    counts = json.dumps(COUNTS)
    message = notify("classifyBulk", input=MANIFEST, error="TooManyFailed", cause=counts)
    assert "Photos:  40 of 40 failed\n" in message["Message"]
    assert "python -m scripts.bulk status first --stage dev\n" in message["Message"]


def test_a_message_is_what_sns_takes_whatever_the_error():
    subject = notify(error="Größe\n" + "long " * 99)["Subject"]
    assert len(subject) < 100
    assert subject.isascii()
    assert subject.isprintable()
    assert len(notify(cause="why " * 9999)["Message"]) < 2000
