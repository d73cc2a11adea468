import pytest

from scripts.execution_graph import boxes


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0074, "7 ms"),
        (0.9996, "1.00 s"),
        (1.236, "1.24 s"),
        (9.996, "10.0 s"),
        (99.96, "1 min 40 s"),
        (125, "2 min 05 s"),
        (3600 * 3 + 60 * 7, "3 h 07 min"),
        (86400 * 2.5, "2.5 days"),
    ],
)
def test_a_duration_is_in_the_unit_that_suits_it(seconds, text):
    assert boxes.duration(seconds) == text


def test_what_is_unknown_is_no_number():
    assert boxes.count(0) == "0"
    assert boxes.count(None) == boxes.UNKNOWN
    assert boxes.count(12345) == "12,345"
