"""Failures reach people: what the topic carries, read through a queue subscribed to it."""

import json
import time
from collections.abc import Iterator

import pytest


def test_a_batch_with_failed_images_succeeds_and_tells(service, photo, inbox):
    arn = service.start({"images": [photo, {"s3_key": "tests/absent.png"}], "threshold": 0.5})
    execution = service.wait(arn)
    assert execution["status"] == "SUCCEEDED"
    assert execution["output"]["counts"]["failed"] == 1
    (told,) = inbox(arn)
    assert "ImageNotFound" in told["Message"]


def test_a_batch_without_failures_tells_nobody(service, photo, inbox):
    arn = service.start({"images": [photo], "threshold": 0.5})
    assert service.wait(arn)["status"] == "SUCCEEDED"
    assert inbox(arn, seconds=2) == []


def test_a_failed_execution_is_told_in_words(service, inbox):
    arn = service.start({})
    service.wait(arn)
    (told,) = inbox(arn)
    assert "ended FAILED." in told["Message"]
    assert "Error:   InvalidBatch\nCause:   the batch has no images\n" in told["Message"]


def test_a_batch_that_failed_altogether_is_told_with_its_counts(service, inbox):
    arn = service.start({"images": [{"s3_key": f"tests/absent-{n}.png"} for n in range(3)]})
    service.wait(arn)
    (told,) = inbox(arn)
    assert "Images:  3 of 3 failed\n" in told["Message"]


def test_a_bulk_run_with_failed_images_tells_once(service, photo, inbox):
    lines = [*[{"s3_key": photo["s3_key"]}] * 30, {"s3_key": "tests/absent.png"}]
    execution = service.classify_bulk(lines, batch_size=10)
    assert execution["output"]["counts"]["failed"] == 1
    (told,) = inbox(execution["executionArn"])
    assert told["Message"].startswith("1 of 31 images could not be classified")


def test_a_bulk_run_that_fails_is_told_in_words(service, photo, inbox):
    lines = [{"s3_key": photo["s3_key"]}, {"s3_key": "tests/absent.png"}]
    execution = service.classify_bulk(lines)
    assert execution["status"] == "FAILED"
    (told,) = inbox(execution["executionArn"])
    assert "Error:   TooManyFailed\n" in told["Message"]
    assert "Images:  1 of 2 failed\n" in told["Message"]


def test_a_bulk_run_that_is_aborted_is_told_in_words(service, photo, inbox):
    states = service.client("stepfunctions")
    key = "bulk/manifests/aborted.jsonl"
    lines = (json.dumps({"s3_key": photo["s3_key"]}) + "\n").encode() * 2000
    arn = service.start_bulk({"manifest": service.put(key, lines)})
    states.stop_execution(executionArn=arn, error="Changed", cause="my mind")
    assert service.wait(arn)["status"] == "ABORTED"
    (told,) = inbox(arn)
    assert "ended ABORTED." in told["Message"]
    assert f"Images:  those of the manifest {key}\n" in told["Message"]


def test_an_aborted_execution_is_told_in_words(service, photo, inbox):
    states = service.client("stepfunctions")
    arn = service.start({"images": [photo] * 200})
    states.stop_execution(executionArn=arn, error="Changed", cause="my mind")
    assert service.wait(arn)["status"] == "ABORTED"
    (told,) = inbox(arn)
    assert "ended ABORTED." in told["Message"]
    assert "Images:  200 submitted\n" in told["Message"]


def test_an_execution_that_times_out_is_told_in_words(service, photo, inbox):
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
    (told,) = inbox(arn)
    assert "ended TIMED_OUT." in told["Message"]


@pytest.fixture
def review_alarm(service) -> Iterator[str]:
    """The alarm on the share in review, looking at 10 seconds: other tests accept images too."""
    alarms = service.client("cloudwatch")
    deployed = f"{service.outputs['EndpointName']}-review-share"
    (alarm,) = alarms.describe_alarms(AlarmNames=[deployed])["MetricAlarms"]
    for query in alarm["Metrics"]:
        if "MetricStat" in query:
            query["MetricStat"]["Period"] = 10
    kept = ("AlarmActions", "ComparisonOperator", "EvaluationPeriods", "Metrics", "Threshold")
    name = f"{deployed}-of-10-seconds"
    alarms.put_metric_alarm(AlarmName=name, **{field: alarm[field] for field in kept})
    yield name
    alarms.delete_alarms(AlarmNames=[name])


def test_an_alarm_goes_off_when_many_images_go_to_review(service, photo, inbox, review_alarm):
    """Metric filters count what the filter logs; metric math makes it a share."""
    for _ in range(5):
        service.classify([photo] * 40, threshold=1.0)
        if told := inbox(review_alarm, seconds=5):
            break
    assert json.loads(told[0]["Message"])["NewStateValue"] == "ALARM"


@pytest.mark.parametrize("name", ["a bike.png", "50%+1.png", "vélo 🚲.png", "two\nlines.png"])
def test_a_photo_that_lands_below_incoming_is_classified_and_its_folder_passed_over(
    service, photo, name
):
    """The folder as S3's console makes it: an object without bytes."""
    states = service.client("stepfunctions")
    machine = service.outputs["ClassifyStateMachineArn"]
    body = service.client("s3").get_object(Bucket=photo["s3_bucket"], Key=photo["s3_key"])
    folder = f"incoming/{time.time_ns()}/"
    service.put(folder, b"")
    service.put(f"{folder}{name}", body["Body"].read())

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
