from datetime import UTC, datetime, timedelta

import pytest

from service.cloudwatch import choose_period

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
