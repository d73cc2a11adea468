import json
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from scripts.generate import bad_images, stream
from scripts.generate.photos import GeneratedPhoto
from scripts.generate.stream import Answer, collect, make_record, read_answer, send
from service import terminal
from tests.unit.refusals import refusal

BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)
RESULT = {"s3_key": "a.jpg", "status": "accepted", "label": "bicycle", "confidence": 0.99}
GOOD = GeneratedPhoto("0.jpg", "bicycle", None, None, lambda: b"")
BAD = GeneratedPhoto("1.jpg", None, "gif", "InvalidImage", lambda: b"")
FAILED = {"status": "failed", "error": "InvalidImage"}
DENIED = {"status": "failed", "error": "AccessDenied"}


def test_a_file_without_bytes_is_a_bad_image_but_below_incoming_where_it_starts_nothing():
    assert set(stream.BAD_KINDS) == bad_images.KINDS.keys() - {"empty"}


def test_arrivals_fill_the_duration_at_random_and_are_the_seeds_own():
    times = stream.draw_arrival_times(50, 400, seed=3)
    gaps = np.diff(times)  # exponential
    assert gaps.min() > 0
    assert (gaps.mean(), gaps.std()) == pytest.approx((1 / 50, 1 / 50), rel=0.05)
    assert np.histogram(times, bins=10, range=(0, 400))[0].min() > 1500
    assert times[-1] < 400
    np.testing.assert_array_equal(times, stream.draw_arrival_times(50, 400, seed=3))
    assert not np.array_equal(times[:10], stream.draw_arrival_times(50, 400, seed=2)[:10])


def test_a_service_that_hangs_does_not_slow_the_arrivals():
    begun, go_on = [], threading.Event()

    def put(number: int) -> None:
        begun.append(number)
        if len(begun) == 40:
            go_on.set()  # all have begun, though none of them has ended
        assert go_on.wait(5)

    errors = send(put, [time.time() + 0.002 * number for number in range(40)])
    assert errors == [None] * 40
    assert sorted(begun) == list(range(40))


def test_a_photo_is_sent_at_its_arrival_and_an_error_is_its_own():
    sent = {}

    def put(number: int) -> None:
        sent[number] = time.time()
        if number == 1:
            raise refusal("AccessDenied", "no")

    began = time.time()
    errors = send(put, [began, began + 0.05, began + 0.1])
    assert errors == [None, "Access denied to PutObject: no", None]
    assert all(sent[number] >= began + 0.05 * number for number in range(3))


def execution(key: str | None, seconds: float = 1, status: str = "SUCCEEDED", **fields) -> dict:
    """DescribeExecution's answer about an execution that S3's event about a photo started."""
    return {
        "executionArn": f"arn:{seconds}",
        "status": status,
        "startDate": BEGAN,
        "stopDate": BEGAN + timedelta(seconds=seconds),
        "input": json.dumps({"detail": {"object": {"key": key}}}),
        "output": json.dumps({"results": [RESULT]}),
        **fields,
    }


def test_an_answer_has_the_key_the_result_and_the_time_of_the_end():
    stopped = BEGAN.timestamp() + 2.5
    assert read_answer(execution("a b+.jpg", 2.5)) == ("a b+.jpg", Answer(stopped, RESULT))
    for other in ({"images": [{"s3_key": "a"}]}, {"detail": {}}, None):
        assert read_answer(execution("", input=json.dumps(other))) == (None, None)


@pytest.mark.parametrize(
    ("ended", "error"),
    [
        ({"error": "BatchFailed", "cause": json.dumps({"first": FAILED})}, "InvalidImage"),
        ({"error": "InvalidBatch", "cause": "no"}, "InvalidBatch"),
        ({"status": "TIMED_OUT"}, "TIMED_OUT"),
    ],
)
def test_an_execution_that_failed_has_its_photos_error_or_its_own(ended, error):
    _, (_, result) = read_answer(execution("a", **{"status": "FAILED"} | ended))
    assert (result["status"], result["error"]) == ("failed", error)


class States:
    """ListExecutions and DescribeExecution, newest first; each look finds one batch more."""

    def __init__(self, *batches: list[dict]):
        self._batches = list(batches)
        self._executions: list[dict] = []
        self.described: Counter = Counter()

    def get_paginator(self, _):
        return self

    def paginate(self, **_):
        if self._batches:
            self._executions += self._batches.pop(0)

        def last(each: dict) -> datetime:
            return each.get("stopDate", each["startDate"])

        found = iter(sorted(self._executions, key=last, reverse=True))
        return SimpleNamespace(search=lambda _: found)

    def describe_execution(self, executionArn):  # noqa: N803
        self.described[executionArn] += 1
        return next(each for each in self._executions if each["executionArn"] == executionArn)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(stream, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(stream, "PATIENCE_SECONDS", 0.1)


def test_each_execution_is_asked_for_once_and_the_first_answer_to_a_photo_counts():
    again = execution("a", 2, output=json.dumps({"results": [{**RESULT, "label": "bus"}]}))
    running = {**execution("c", 4), "status": "RUNNING"}
    del running["stopDate"]
    first = [execution("a"), execution("elsewhere", 1.5), execution("of another day", -4000)]
    states = States(first, [], [again, running], [execution("b", 3)])
    answers = collect(states, "arn:machine", BEGAN, {"a", "b"})
    assert {key: answer.result["label"] for key, answer in answers.items()} == {
        "a": "bicycle",
        "b": "bicycle",
    }
    assert states.described == dict.fromkeys(("arn:1", "arn:1.5", "arn:2", "arn:3"), 1)


def test_it_gives_up_on_an_answer_that_never_comes():
    assert set(collect(States([execution("a")]), "arn:machine", BEGAN, {"a", "b"})) == {"a"}


def record(photo=GOOD, result=RESULT, latency=0.5, error=None) -> stream.Record:
    answer = Answer(100 + latency, result) if result else None
    return make_record(photo, "k", 100, error, answer)


@pytest.mark.parametrize(
    ("made", "outcome", "problem"),
    [
        (record(), "accepted", "None"),
        (record(result={**RESULT, "status": "review"}), "review", "None"),
        (record(BAD, FAILED), "failed as expected", "None"),
        (record(BAD, DENIED), "unexpected", "Of 1 photos, 1 unexpected (first: AccessDenied)."),
        (record(BAD), "unexpected", "Of 1 photos, 1 unexpected."),
        (record(GOOD, FAILED), "unexpected", "(first: InvalidImage)"),
        (record(result=None), "no answer", "Of 1 photos, 1 no answer."),
        (record(result=None, error="refused"), "failed to send", "1 failed to send (first: ref"),
    ],
)
def test_a_photo_ends_in_one_of_the_outcomes_and_a_wrong_one_is_named(made, outcome, problem):
    assert made.outcome == outcome
    assert problem in str(stream.find_problem([made]))


def test_the_table_counts_each_photo_once_and_has_percentiles_of_the_answered():
    records = [record(latency=each / 100) for each in range(1, 101)]
    records += [record(result=None), record(BAD, FAILED, latency=9)]
    text = terminal.render(stream.to_table(records))
    rows = {line[:18].strip(): line[18:].split() for line in text.splitlines()}
    assert rows["accepted"][:4] == ["100", "98.0%", "0.51", "s"]
    assert rows["no answer"] == ["1", "1.0%"]
    assert rows["all"][0] == "102"
    assert rows["all"][-2:] == ["9.00", "s"]
