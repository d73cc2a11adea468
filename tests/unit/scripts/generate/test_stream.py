import json
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from scripts.generate import bad_images, stream
from scripts.generate.stream import collect, read_result, send
from service import terminal
from tests.unit.refusals import refusal

BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)
FAILED = {"s3_key": "a", "status": "failed", "error": "InvalidImage"}


def test_a_file_without_bytes_is_a_bad_image_but_below_incoming_where_it_starts_nothing():
    assert set(stream.BAD_KINDS) == bad_images.KINDS.keys() - {"empty"}


def test_arrivals_fill_the_duration_at_random_and_are_the_seeds_own():
    times = stream.draw_arrival_times(50, 400, seed=3)
    gaps = np.diff(times)  # exponential
    assert (gaps.mean(), gaps.std()) == pytest.approx((1 / 50, 1 / 50), rel=0.05)
    assert np.histogram(times, bins=10, range=(0, 400))[0].min() > 1500
    assert times[-1] < 400
    np.testing.assert_array_equal(times, stream.draw_arrival_times(50, 400, seed=3))
    assert not np.array_equal(times[:10], stream.draw_arrival_times(50, 400, seed=2)[:10])


def test_a_photo_is_sent_at_its_arrival_though_the_service_hangs_and_an_error_is_its_own():
    begun, go_on = {}, threading.Event()

    def put(key: str) -> None:
        begun[key] = time.time()
        if len(begun) == 40:
            go_on.set()  # all have begun, though none of them has ended
        assert go_on.wait(5)
        if key == "7":
            raise refusal("AccessDenied", "no")

    arrivals = {f"{number}": time.time() + 0.002 * number for number in range(40)}
    assert send(put, arrivals) == {"7": "Access denied to PutObject: no"}
    assert all(begun[key] >= arrivals[key] for key in arrivals)


def execution(key: str | None, seconds: float = 1, status: str = "SUCCEEDED", **fields) -> dict:
    """DescribeExecution's answer about an execution that S3's event about a photo started."""
    return {
        "executionArn": f"arn:{seconds}",
        "status": status,
        "startDate": BEGAN,
        "stopDate": BEGAN + timedelta(seconds=seconds),
        "input": json.dumps({"detail": {"object": {"key": key}}}),
        "output": json.dumps({"results": [{"s3_key": key, "status": "accepted"}]}),
        **fields,
    }


def test_the_result_is_that_of_the_one_photo_and_other_executions_are_of_none():
    assert read_result(execution("a b+.jpg")) == {"s3_key": "a b+.jpg", "status": "accepted"}
    for other in ({"images": [{"s3_key": "a"}]}, {"detail": {}}, None):
        assert read_result(execution("", input=json.dumps(other)))["s3_key"] is None


@pytest.mark.parametrize(
    ("ended", "error"),
    [
        ({"error": "BatchFailed", "cause": json.dumps({"first": FAILED})}, "InvalidImage"),
        ({"error": "InvalidBatch", "cause": "no"}, "InvalidBatch"),
        ({"status": "TIMED_OUT"}, "TIMED_OUT"),
    ],
)
def test_an_execution_that_failed_has_its_photos_error_or_its_own(ended, error):
    result = read_result(execution("a", **{"status": "FAILED"} | ended))
    assert result == {"s3_key": "a", "status": "failed", "error": error}


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
    again = execution("a", 2, output='{"results": [{"s3_key": "a", "status": "review"}]}')
    running = {**execution("c", 4), "status": "RUNNING"}
    del running["stopDate"]
    first = [execution("a"), execution("elsewhere", 1.5), execution("of another day", -4000)]
    states = States(first, [], [again, running], [execution("b", 3)])
    answers = collect(states, "arn:machine", BEGAN, {"a", "b"})
    assert {key: result["status"] for key, (result, _) in answers.items()} == {
        "a": "accepted",
        "b": "accepted",
    }
    assert answers["b"][1] == BEGAN.timestamp() + 3
    assert states.described == dict.fromkeys(("arn:1", "arn:1.5", "arn:2", "arn:3"), 1)


def test_it_gives_up_on_an_answer_that_never_comes():
    assert set(collect(States([execution("a")]), "arn:machine", BEGAN, {"a", "b"})) == {"a"}


def test_the_table_counts_each_photo_once_and_has_percentiles_of_the_answered():
    results = [{"status": "accepted", "seconds": each / 100} for each in range(1, 101)]
    results += [{"status": "no answer"}, {"status": "failed", "seconds": 9}]
    text = terminal.render(stream.to_table(results))
    rows = {line[:18].strip(): line[18:].split() for line in text.splitlines()}
    assert rows["accepted"][:4] == ["100", "98.0%", "0.51", "s"]
    assert rows["no answer"] == ["1", "1.0%"]
    assert rows["failed to send"] == ["0", "0.0%"]
    assert rows["all"][0] == "102"
    assert rows["all"][-2:] == ["9.00", "s"]
