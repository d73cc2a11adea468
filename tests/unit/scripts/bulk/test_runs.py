from datetime import UTC, datetime, timedelta

import pytest

from scripts.bulk import runs
from scripts.bulk.runs import Progress, map_run_of, progress_of, wait
from service import stack
from service.terminal import Interrupted, UserError
from tests.unit.scripts.bulk.memory_states import MACHINE, MemoryStates

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def counts(**given) -> dict:
    names = ("pending", "running", "succeeded", "failed", "timedOut", "aborted", "total")
    return {**dict.fromkeys(names, 0), **given}


@pytest.fixture
def states():
    states = MemoryStates()
    arn = states.start_execution(MACHINE, "run", "{}")["executionArn"]
    states.map_runs[f"map-run-of-{arn}"] = {
        "itemCounts": counts(
            total=1000, succeeded=300, failed=60, timedOut=30, aborted=10, running=200, pending=400
        ),
        "startDate": BEGAN,
        "stopDate": BEGAN + timedelta(seconds=4),
    }
    return states


def arn_of(states) -> str:
    return next(iter(states.executions))


def test_progress_counts_images_by_the_state_of_their_batch(states):
    found = progress_of(states, map_run_of(states, arn_of(states)))
    assert found == Progress(1000, 300, 100, 200, 400, 4.0)
    assert (found.done, found.rate, found.seconds_left) == (400, 100, 6)


def test_before_the_map_run_there_is_no_progress_and_before_the_first_image_no_estimate(states):
    states.map_runs.clear()
    assert map_run_of(states, arn_of(states)) is None
    begun = Progress(1000, 0, 0, 0, 1000, 0.0)
    assert (begun.rate, begun.seconds_left) == (0.0, None)


def test_waiting_ends_with_the_run(states, monkeypatch):
    naps = []

    def sleep(seconds):
        naps.append(seconds)
        if len(naps) == 3:
            states.end(arn_of(states), "FAILED", error="BatchFailed")

    monkeypatch.setattr(runs.time, "sleep", sleep)
    assert wait(states, arn_of(states))["error"] == "BatchFailed"
    assert len(naps) == 3


def test_long_runs_are_asked_for_less_often(states, monkeypatch):
    naps = []

    def sleep(seconds):
        naps.append(seconds)
        if sum(naps) > 600:
            states.end(arn_of(states), "SUCCEEDED")

    monkeypatch.setattr(runs.time, "sleep", sleep)
    wait(states, arn_of(states))
    assert naps[0] <= 0.5
    assert naps[-1] == 5.0
    assert len(naps) < 150


def test_whoever_stops_waiting_is_told_that_the_run_goes_on(states, monkeypatch):
    def interrupt(_seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(runs.time, "sleep", interrupt)
    with pytest.raises(Interrupted, match=r"goes on.*stop-execution.*:run"):
        wait(states, arn_of(states))


@pytest.fixture
def two_runs():
    states = MemoryStates()
    for name in ("first", "second"):
        states.start_execution(MACHINE, name, "{}")
    return states


def test_without_a_name_the_newest_is_taken_though_an_older_ended_later(two_runs):
    arn = stack.execution_arn(MACHINE, "first")
    two_runs.end(arn, "SUCCEEDED")
    assert runs.find(two_runs, MACHINE)["name"] == "second"


def test_a_run_is_found_by_name_and_by_arn(two_runs):
    by_name = runs.find(two_runs, MACHINE, "first")
    assert by_name == runs.find(two_runs, MACHINE, by_name["executionArn"])
    assert by_name["name"] == "first"


def test_runs_that_are_not_there_are_one_line(two_runs):
    with pytest.raises(UserError, match="no run third"):
        runs.find(two_runs, MACHINE, "third")
    with pytest.raises(UserError, match="no run arn:"):
        runs.find(two_runs, MACHINE, "arn:aws:states:us-east-1:123456789012:execution:other:first")
    with pytest.raises(UserError, match=r"scripts\.bulk submit"):
        runs.find(MemoryStates(), MACHINE)


def test_a_run_of_another_state_machine_is_none_of_these(two_runs):
    arn = two_runs.start_execution(MACHINE.replace("Bulk", ""), "batch", "{}")["executionArn"]
    with pytest.raises(UserError, match="no run"):
        runs.find(two_runs, MACHINE, arn)
