import json
from datetime import UTC, datetime, timedelta

import pytest

from handlers.outcomes import ACCEPTED, REVIEW
from scripts.generate import report
from scripts.generate.report import Answer, Answers, Record, Report, answer_of, key_of
from scripts.generate.sending import Sending
from scripts.generate.source import GeneratedImage

BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)
RESULT = {"s3_key": "a.jpg", "status": "accepted", "label": "bicycle", "confidence": 0.99}
EVENT = {"detail-type": "Object Created", "detail": {"object": {"key": "incoming/r/a b+.jpg"}}}

GOOD = GeneratedImage("0.jpg", "bicycle", None, None, lambda: b"")
BAD = GeneratedImage("1.jpg", None, "gif", "InvalidImage", lambda: b"")


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
    [
        None,
        {"images": []},
        {"images": [{"s3_key": None}]},
        {"images": [{"s3_key": "a"}, {"s3_key": "b"}]},
        {"detail": {}},
    ],
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


def record(image=GOOD, status="accepted", latency=0.5, error=None, **sending) -> Record:
    answer = Answer("k", 100 + latency, status, "bicycle", 0.9, error) if status else None
    fields = {"number": 0, "due": 100.0, "late": 0.001, "error": None, **sending}
    return Record.of(image, Sending(**fields), "k", answer, interrupted=False)


def made(*records: Record, interrupted: bool = False) -> Report:
    return Report("stream-1", 1, "incoming", 20, 60, records, interrupted)


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        (record(), ACCEPTED),
        (record(status="review"), REVIEW),
        (record(BAD, "failed", error="InvalidImage"), report.REFUSED),
        (record(BAD, "failed", error="EndpointNotFound"), report.UNEXPECTED),
        (record(BAD, "accepted"), report.UNEXPECTED),
        (record(GOOD, "failed", error="InvalidImage"), report.UNEXPECTED),
        (record(GOOD, status=None), report.LOST),
        (record(GOOD, status=None, error="x"), report.LOST),
    ],
)
def test_an_image_ends_in_one_of_the_outcomes(given, outcome):
    assert given.outcome == outcome


def test_an_image_that_could_not_be_sent_is_not_lost():
    sending = Sending(0, 100.0, 0.0, "refused")
    not_sent = Record.of(GOOD, sending, "k", None, interrupted=False)
    assert (not_sent.outcome, not_sent.error) == (report.NOT_SENT, "refused")


def test_interrupted_nothing_is_lost_that_still_had_time():
    waiting = Record.of(GOOD, Sending(0, 100.0, 0.0, None), "k", None, interrupted=True)
    assert waiting.outcome == report.WAITING
    assert made(waiting, interrupted=True).problem() is None


def test_latency_counts_from_the_scheduled_arrival_however_late_the_sending():
    assert record(latency=0.75, late=0.5).latency == pytest.approx(0.75)


def test_percentiles_are_over_the_answered_and_by_outcome():
    records = [record(latency=each / 100) for each in range(1, 101)]
    records += [record(status=None), record(status="review", latency=9)]
    of_accepted = report.latencies(records, ACCEPTED)
    assert of_accepted["p50"] == pytest.approx(0.505)
    assert of_accepted["max"] == pytest.approx(1.0)
    assert report.latencies(records)["max"] == pytest.approx(9)
    assert report.latencies(records, report.LOST) is None


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([record(), record(status=None)], "Of 2 images, 1 lost"),
        ([record(status="failed", error="EndpointNotFound")], "EndpointNotFound"),
        ([record(late=3.0)], "could not keep up: it sent images up to 3.0 s late"),
    ],
)
def test_a_stream_that_is_not_as_it_should_be_says_so(records, said):
    assert said in made(*records).problem()


def test_a_stream_as_it_should_be_has_no_problem():
    assert made(record(), record(BAD, "failed", error="InvalidImage")).problem() is None
    assert made().problem() is None


def test_the_rate_is_that_of_the_sendings():
    records = [record(due=100 + each * 0.1, late=0.0) for each in range(11)]
    assert made(*records).achieved_rate == pytest.approx(10)
    assert made(records[0]).achieved_rate == 0


def test_the_table_counts_each_image_once():
    counts = made(record(), record(status="review"), record(status=None)).as_json()["counts"]
    assert sum(counts.values()) == 3
    rows = made(record(), record(status=None)).render().splitlines()
    assert next(row for row in rows if row.startswith("lost")).split()[1] == "1"
    assert next(row for row in rows if row.startswith("all")).split()[1] == "2"


def test_the_json_holds_the_plan_and_a_record_an_image():
    content = json.loads(json.dumps(made(record(), record(status=None)).as_json()))
    assert content["rate"] == 20
    assert content["counts"]["lost"] == 1
    assert [each["outcome"] for each in content["images"]] == ["accepted", "lost"]
    assert content["images"][0]["label"] == "bicycle"
