from datetime import UTC, datetime, timedelta

import pytest

from scripts.cost.amounts import ENDS
from scripts.cost.run import History, choose_period

THEN = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_retry_is_a_transition_of_its_own_and_a_task_never_scheduled_hides_none_of_another():
    enter, schedule = "TaskStateEntered", "TaskScheduled"
    kinds = [enter, schedule, enter, enter, schedule, "TaskFailed", schedule]
    events = [{"id": n, "previousEventId": n - 1, "type": kind} for n, kind in enumerate(kinds, 1)]
    for number, name in ((0, "Refused"), (2, "Refused"), (3, "Flaky")):
        events[number]["stateEnteredEventDetails"] = {"name": name}
    history = History.from_events(events)
    assert history.tasks == {"Refused": 1, "Flaky": 2}
    assert history.transitions == 3 + 1 + ENDS


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
