from datetime import UTC, datetime, timedelta

import pytest

from scripts.cost.bill import ENDS
from scripts.cost.run import choose_period, count_transitions
from scripts.execution_graph.execution import read
from tests.unit.scripts.execution_graph.histories import History, batch


def test_states_are_transitions_and_so_are_retries_the_start_and_the_end():
    history = read(batch())
    assert history.states["Read"].attempts == 5
    assert history.items == {"Each": 4}
    assert count_transitions(history) == 12 + 1 + ENDS


def test_a_task_that_was_never_scheduled_hides_no_retry_of_another():
    h = History()
    refused = h.enter(0, "Task", "Refused", 1)
    h.attempt(h.attempt(h.enter(refused, "Task", "Flaky", 2), 2, 1, "Broken"), 3, 1)
    assert count_transitions(read(h.events)) == 2 + 1 + ENDS


THEN = datetime(2026, 1, 1, tzinfo=UTC)


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
