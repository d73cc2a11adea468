import json
from datetime import UTC, datetime, timedelta

import pytest

from scripts.generator.answers import Answer, Answers, answer_of, key_of

BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)
RESULT = {"s3_key": "a.jpg", "status": "accepted", "label": "bicycle", "confidence": 0.99}
EVENT = {"detail-type": "Object Created", "detail": {"object": {"key": "incoming/r/a b+.jpg"}}}


def execution(status: str = "SUCCEEDED", seconds: float = 1, **fields) -> dict:
    return {
        "executionArn": f"arn:{seconds}",
        "status": status,
        "startDate": BEGAN,
        "stopDate": BEGAN + timedelta(seconds=seconds),
        "input": json.dumps({"images": [{"s3_key": "a.jpg"}]}),
        **fields,
    }


def test_an_image_is_found_in_a_batch_of_one_and_in_an_event_of_s3():
    assert key_of({"images": [{"s3_key": "a.jpg", "s3_bucket": "b"}]}) == "a.jpg"
    assert key_of(EVENT) == "incoming/r/a b+.jpg"


@pytest.mark.parametrize(
    "other",
    [None, 3, {}, {"images": []}, {"images": [{"s3_key": "a"}, {"s3_key": "b"}]}, {"detail": {}}],
)
def test_other_executions_are_of_no_image(other):
    assert key_of(other) is None
    assert answer_of(execution(input=json.dumps(other))) is None


def test_an_answer_has_the_result_and_the_time_of_the_end():
    answer = answer_of(execution(seconds=2.5, output=json.dumps({"results": [RESULT]})))
    stopped = BEGAN.timestamp() + 2.5
    assert answer == Answer("a.jpg", stopped, "accepted", label="bicycle", confidence=0.99)


def test_an_execution_that_failed_with_its_image_has_the_images_error():
    first = {"s3_key": "a.jpg", "status": "failed", "error": "InvalidImage", "cause": "text"}
    failed = execution("FAILED", error="BatchFailed", cause=json.dumps({"first": first}))
    assert answer_of(failed).error == "InvalidImage"
    assert answer_of(failed).status == "failed"


@pytest.mark.parametrize(
    ("ended", "error"),
    [
        (execution("FAILED", error="InvalidBatch", cause="no"), "InvalidBatch"),
        (execution("TIMED_OUT"), "TIMED_OUT"),
        (execution("ABORTED"), "ABORTED"),
    ],
)
def test_an_execution_that_failed_itself_has_its_own(ended, error):
    answer = answer_of(ended)
    assert (answer.status, answer.error) == ("failed", error)


class States:
    """ListExecutions and DescribeExecution of executions that a test adds to, newest first."""

    def __init__(self):
        self.executions: list[dict] = []
        self.described: list[str] = []

    def get_paginator(self, operation):
        assert operation == "list_executions"
        return self

    def paginate(self, **_):
        for each in sorted(
            self.executions, key=lambda e: e.get("stopDate", e["startDate"]), reverse=True
        ):
            yield {"executions": [each]}

    def describe_execution(self, executionArn):  # noqa: N803
        self.described.append(executionArn)
        (found,) = (each for each in self.executions if each["executionArn"] == executionArn)
        return found


class FakeCloud:
    def __init__(self, states):
        self.session = self
        self.states = states

    def client(self, service, config):
        assert service == "stepfunctions"
        return self.states


@pytest.fixture
def states():
    return States()


@pytest.fixture
def answers(states):
    return Answers(FakeCloud(states), "arn:machine", BEGAN)


def ended(seconds: float, key: str) -> dict:
    return execution(
        seconds=seconds,
        input=json.dumps({"images": [{"s3_key": key}]}),
        output=json.dumps({"results": [RESULT]}),
    )


def test_each_answer_comes_once_and_each_execution_is_asked_for_once(states, answers):
    states.executions += [ended(1, "a"), ended(2, "b")]
    assert {answer.key for answer in answers.new()} == {"a", "b"}
    assert answers.new() == []
    states.executions.append(ended(3, "c"))
    assert [answer.key for answer in answers.new()] == ["c"]
    assert sorted(states.described) == ["arn:1", "arn:2", "arn:3"]


def test_what_still_runs_is_waited_for(states, answers):
    running = ended(4, "a")
    stop, status = running.pop("stopDate"), running.pop("status")
    states.executions = [{**running, "status": "RUNNING"}]
    assert answers.new() == []
    states.executions = [{**running, "status": status, "stopDate": stop}]
    assert [answer.key for answer in answers.new()] == ["a"]


def test_executions_of_another_day_are_not_asked_for(states, answers):
    states.executions = [ended(1, "a"), ended(-4000, "old")]
    assert [answer.key for answer in answers.new()] == ["a"]
    assert states.described == ["arn:1"]
