import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from scripts.generate.answers import Answer, Answers, read_answer

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


def test_other_executions_are_of_no_photo():
    two = {"images": [{"s3_key": "a"}, {"s3_key": "b"}]}
    for other in (None, {"images": []}, {"images": [{"s3_key": None}]}, two, {"detail": {}}):
        assert read_answer(execution(input=json.dumps(other))) is None


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"images": [{"s3_key": "a.jpg", "s3_bucket": "b"}]}, "a.jpg"),
        (EVENT, "incoming/r/a b+.jpg"),
    ],
)
def test_an_answer_has_the_key_the_result_and_the_time_of_the_end(given, key):
    output = json.dumps({"results": [RESULT]})
    answer = read_answer(execution(seconds=2.5, input=json.dumps(given), output=output))
    stopped = BEGAN.timestamp() + 2.5
    assert answer == Answer(key, stopped, "accepted", label="bicycle", confidence=0.99)


def test_an_execution_that_failed_with_its_photo_has_the_photos_error():
    first = {"s3_key": "a.jpg", "status": "failed", "error": "InvalidImage", "cause": "text"}
    failed = execution("FAILED", error="BatchFailed", cause=json.dumps({"first": first}))
    assert read_answer(failed).error == "InvalidImage"
    assert read_answer(failed).status == "failed"


@pytest.mark.parametrize(
    ("ended", "error"),
    [
        (execution("FAILED", error="InvalidBatch", cause="no"), "InvalidBatch"),
        (execution("TIMED_OUT"), "TIMED_OUT"),
    ],
)
def test_an_execution_that_failed_itself_has_its_own(ended, error):
    answer = read_answer(ended)
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
        def last(each: dict) -> datetime:
            return each.get("stopDate", each["startDate"])

        for each in sorted(self.executions, key=last, reverse=True):
            yield {"executions": [each]}

    def describe_execution(self, executionArn):  # noqa: N803
        self.described.append(executionArn)
        (found,) = (each for each in self.executions if each["executionArn"] == executionArn)
        return found


@pytest.fixture
def states():
    return States()


@pytest.fixture
def answers(states):
    cloud = SimpleNamespace(session=SimpleNamespace(client=lambda *_, **__: states))
    return Answers(cloud, "arn:machine", BEGAN, ["a", "b", "c"])


def ended(seconds: float, key: str, label: str = "bicycle") -> dict:
    return execution(
        seconds=seconds,
        input=json.dumps({"images": [{"s3_key": key}]}),
        output=json.dumps({"results": [RESULT | {"label": label}]}),
    )


def test_each_execution_is_asked_for_once_and_the_first_answer_to_a_photo_counts(states, answers):
    states.executions = [ended(1, "a"), ended(1.5, "elsewhere"), ended(-4000, "of another day")]
    assert (answers.receive(), answers.receive()) == (1, 0)
    states.executions += [ended(2, "a", "motorcycle"), ended(3, "c")]
    assert answers.receive() == 1
    assert sorted(states.described) == ["arn:1", "arn:1.5", "arn:2", "arn:3"]
    labels = {key: answer.label for key, answer in answers.received.items()}
    assert labels == {"a": "bicycle", "c": "bicycle"}


def test_what_still_runs_is_waited_for(states, answers):
    running = ended(4, "a")
    stop, status = running.pop("stopDate"), running.pop("status")
    states.executions = [{**running, "status": "RUNNING"}]
    assert answers.receive() == 0
    states.executions = [{**running, "status": status, "stopDate": stop}]
    assert answers.receive() == 1
