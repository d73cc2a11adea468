from datetime import UTC, datetime, timedelta

import pytest

from scripts.generate.bulk_run import Run, _check

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
EXECUTION = {"startDate": BEGAN, "stopDate": BEGAN + timedelta(seconds=8)}


def checked(result: dict, error: str | None) -> list[str]:
    wrong: list[str] = []
    _check({"s3_key": "a.jpg", **result}, error, wrong)
    return wrong


def test_a_good_image_is_to_be_classified_and_a_bad_one_to_fail_by_its_name():
    assert checked({"status": "review", "label": "bicycle"}, None) == []
    assert checked({"status": "failed", "error": "InvalidImage"}, "InvalidImage") == []


@pytest.mark.parametrize(
    ("result", "error", "said"),
    [
        ({"status": "accepted"}, "InvalidImage", "a.jpg ended accepted, not InvalidImage"),
        ({"status": "failed", "error": "AccessDenied"}, None, "a.jpg ended AccessDenied, not"),
        ({"status": "failed", "error": "AccessDenied"}, "InvalidImage", "not InvalidImage"),
    ],
)
def test_any_other_end_is_told(result, error, said):
    (line,) = checked(result, error)
    assert said in line


def test_a_run_tells_how_many_ended_otherwise_and_the_first_of_them():
    lines = [f"{number}.jpg ended accepted, not InvalidImage" for number in range(5)]
    assert Run(EXECUTION, {}, []).problem() is None
    problem = Run(EXECUTION, {}, lines).problem()
    assert problem.startswith("5 images were not answered as they should be: 0.jpg")
    assert "4.jpg" not in problem


def test_its_seconds_are_those_of_the_execution():
    assert Run(EXECUTION, {}, []).seconds == 8
