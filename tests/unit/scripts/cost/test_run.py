from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from scripts.cost.amounts import ENDS
from scripts.cost.run import History, choose_period

THEN = datetime(2026, 1, 1, tzinfo=UTC)


class Events:
    """Writes a history: each event follows the last, or the one that `after` names."""

    def __init__(self):
        self.all = []
        self._ids = count(1)

    def add(self, kind: str, after: int | None = None, **details) -> int:
        event = {"id": next(self._ids), "type": kind, **details}
        event["previousEventId"] = event["id"] - 1 if after is None else after
        self.all.append(event)
        return event["id"]

    def enter(self, kind: str, name: str, after: int | None = None) -> int:
        return self.add(f"{kind}StateEntered", after, stateEnteredEventDetails={"name": name})


def test_states_are_counted_as_they_are_entered_and_so_are_start_and_end():
    events = Events()
    events.add("ExecutionStarted")
    events.enter("Pass", "First")
    events.add("PassStateExited")
    events.enter("Succeed", "Last")
    events.add("ExecutionSucceeded")
    assert History.from_events(events.all).transitions == 2 + ENDS


def test_a_retry_is_a_transition_of_its_own():
    events = Events()
    events.enter("Task", "Flaky")
    for _ in range(2):
        events.add("TaskScheduled")
        events.add("TaskFailed")
    events.add("TaskScheduled")
    history = History.from_events(events.all)
    assert history.transitions == 1 + 2 + ENDS
    assert history.tasks == {"Flaky": 3}


def test_tasks_within_a_map_belong_to_their_states_though_events_are_mixed():
    events = Events()
    events.enter("Map", "All")
    started = events.add("MapStateStarted", mapStateStartedEventDetails={"length": 2})
    one = events.enter("Task", "Serialize", after=started)
    two = events.enter("Task", "Serialize", after=started)
    one = events.add("TaskScheduled", after=one)
    two = events.add("TaskScheduled", after=two)
    one = events.enter("Task", "Classify", after=one)
    events.add("TaskScheduled", after=one)
    events.enter("Succeed", "Failed", after=two)
    history = History.from_events(events.all)
    assert history.tasks == {"Serialize": 2, "Classify": 1}
    assert history.items == 2
    assert history.transitions == 5 + ENDS


def test_a_task_that_was_never_scheduled_hides_no_retry_of_another():
    events = Events()
    events.enter("Task", "Refused")
    events.enter("Task", "Flaky")
    events.add("TaskScheduled")
    events.add("TaskScheduled")
    assert History.from_events(events.all).transitions == 2 + 1 + ENDS


def test_map_runs_are_found():
    events = Events()
    events.enter("Map", "Batches")
    events.add("MapRunStarted", mapRunStartedEventDetails={"mapRunArn": "arn:run"})
    assert History.from_events(events.all).map_runs == ("arn:run",)


@pytest.mark.parametrize(
    ("age", "took", "minutes"),
    [
        (timedelta(hours=1), timedelta(minutes=1), 1),
        (timedelta(days=20), timedelta(minutes=1), 5),
        (timedelta(days=80), timedelta(minutes=1), 60),
        (timedelta(days=3), timedelta(days=2), 3),
    ],
)
def test_the_period_is_the_shortest_that_cloudwatch_keeps_and_answers(age, took, minutes):
    assert choose_period(THEN, THEN + took, THEN + age) == 60 * minutes
