"""Failures reach people: what the topic carries, read through a queue subscribed to it."""

import json
import time

import pytest


def test_a_batch_with_failed_images_succeeds_and_notifies(service, photo, inbox):
    arn = service.start({"images": [photo, {"s3_key": "tests/absent.png"}], "threshold": 0.5})
    execution = service.wait(arn)
    assert execution["status"] == "SUCCEEDED"
    assert execution["output"]["counts"]["failed"] == 1
    (message,) = inbox(arn)
    assert "ImageNotFound" in message["Message"]


def test_a_batch_without_failures_notifies_nobody(service, photo, inbox):
    arn = service.start({"images": [photo], "threshold": 0.5})
    assert service.wait(arn)["status"] == "SUCCEEDED"
    assert inbox(arn, seconds=2) == []


def test_a_failed_execution_is_reported_in_words(service, inbox):
    arn = service.start({})
    service.wait(arn)
    (message,) = inbox(arn)
    assert "ended FAILED." in message["Message"]
    assert "Error:   InvalidBatch\nCause:   the batch has no images\n" in message["Message"]


def test_a_bulk_run_with_failed_images_notifies_once(service, photo, inbox):
    lines = [*[{"s3_key": photo["s3_key"]}] * 30, {"s3_key": "tests/absent.png"}]
    execution = service.classify_bulk(lines, batch_size=10)
    assert execution["output"]["counts"]["failed"] == 1
    (message,) = inbox(execution["executionArn"])
    assert message["Message"].startswith("1 of 31 photos could not be classified")


def test_a_bulk_run_that_fails_is_reported_in_words(service, photo, inbox):
    lines = [{"s3_key": photo["s3_key"]}, {"s3_key": "tests/absent.png"}]
    execution = service.classify_bulk(lines)
    assert execution["status"] == "FAILED"
    (message,) = inbox(execution["executionArn"])
    assert "Error:   TooManyFailed\n" in message["Message"]
    assert "Photos:  1 of 2 failed\n" in message["Message"]


def test_an_aborted_execution_is_reported_in_words(service, photo, inbox):
    states = service.client("stepfunctions")
    arn = service.start({"images": [photo] * 200})
    states.stop_execution(executionArn=arn, error="Changed", cause="my mind")
    assert service.wait(arn)["status"] == "ABORTED"
    (message,) = inbox(arn)
    assert "ended ABORTED." in message["Message"]
    assert "Photos:  200 submitted\n" in message["Message"]


def test_an_execution_that_times_out_is_reported_in_words(service, photo, inbox):
    """The definition with a second's patience, as a machine that the same rule looks at."""
    states, machine = service.client("stepfunctions"), service.outputs["ClassifyStateMachineArn"]
    before = states.describe_state_machine(stateMachineArn=machine)["definition"]
    hasty = json.dumps({**json.loads(before), "TimeoutSeconds": 1})
    states.update_state_machine(stateMachineArn=machine, definition=hasty)
    try:
        arn = service.start({"images": [photo] * 300})
        assert service.wait(arn)["status"] == "TIMED_OUT"
    finally:
        states.update_state_machine(stateMachineArn=machine, definition=before)
    (message,) = inbox(arn)
    assert "ended TIMED_OUT." in message["Message"]


def test_an_alarm_that_goes_off_reaches_people(service, inbox):
    """Its state is set: the local cloud evaluates no metric math."""
    alarms, name = service.client("cloudwatch"), f"{service.outputs['EndpointName']}-review-share"
    reason = f"a test at {time.time_ns()}"
    alarms.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason=reason)
    try:
        (message,) = inbox(reason)
        assert json.loads(message["Message"])["NewStateValue"] == "ALARM"
    finally:
        alarms.set_alarm_state(AlarmName=name, StateValue="OK", StateReason=reason)


@pytest.mark.parametrize("name", ["50%+1.png", "vélo 🚲.png", "two\nlines.png"])
def test_a_photo_that_lands_below_incoming_is_classified_and_its_folder_passed_over(
    service, photo, name
):
    """The folder as S3's console makes it: an object without bytes."""
    states = service.client("stepfunctions")
    machine = service.outputs["ClassifyStateMachineArn"]
    folder = f"incoming/{time.time_ns()}/"
    service.put(folder, b"")
    service.put(f"{folder}{name}", service.read(photo["s3_key"]))

    def about_the_folder() -> list[dict]:
        listed = states.list_executions(stateMachineArn=machine, maxResults=10)["executions"]
        ended = [service.wait(row["executionArn"]) for row in listed]
        return [execution for execution in ended if folder in execution["input"]]

    deadline = time.monotonic() + 20
    while not (found := about_the_folder()):
        assert time.monotonic() < deadline, f"no execution worked on {folder}{name}"
        time.sleep(0.1)
    (execution,) = found
    (result,) = execution["output"]["results"]
    assert result["s3_key"] == f"{folder}{name}"
    assert result["status"] in ("accepted", "review")
