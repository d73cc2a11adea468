import json
from datetime import UTC, datetime, timedelta

import pytest

from scripts.bulk.results import Counts
from scripts.bulk.runs import Progress
from scripts.bulk.summary import duration, report, status_lines

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
EXECUTION = {
    "name": "bulk-1",
    "status": "SUCCEEDED",
    "startDate": BEGAN,
    "stopDate": BEGAN + timedelta(seconds=125),
    "output": json.dumps(
        {"counts": {"submitted": 1000, "accepted": 900, "review": 99, "failed": 1}}
    ),
}
PROGRESS = Progress(1000, 590, 10, 200, 200, 6.0)


def said(execution=EXECUTION, progress=PROGRESS, stage="dev") -> dict[str, str]:
    return dict(status_lines(execution, progress, stage))


def test_a_running_run_shows_how_far_it_is_and_how_long_it_takes():
    lines = said({**EXECUTION, "status": "RUNNING"})
    assert lines["Progress"] == "█" * 18 + "░" * 12 + " 60%  600 of 1,000 images"
    assert lines["Rate"] == "100 images a second, about 4 s left"
    assert lines["Next"] == "python -m scripts.bulk status --follow bulk-1"


def test_a_run_that_has_not_begun_its_batches_shows_no_progress():
    assert "Progress" not in said({**EXECUTION, "status": "RUNNING"}, None)
    assert (
        "0%" in said({**EXECUTION, "status": "RUNNING"}, Progress(0, 0, 0, 0, 0, 0.0))["Progress"]
    )


def test_a_run_that_succeeded_tells_its_counts_and_what_is_next():
    lines = said(stage="test")
    assert lines["Status"] == "SUCCEEDED, after 2 min 05 s"
    assert lines["Result"].startswith("1,000 submitted: 900 accepted, 99 review, ")
    assert lines["Result"].endswith("1 failed")
    assert "left" not in lines["Rate"]
    assert lines["Next"] == "python -m scripts.bulk results bulk-1 --stage test"


def test_a_run_that_failed_tells_why():
    lines = said({**EXECUTION, "status": "FAILED", "error": "InvalidRun", "cause": "it\nlacks"})
    assert (lines["Error"], lines["Cause"]) == ("InvalidRun", "it lacks")
    lines = said({**EXECUTION, "status": "ABORTED"})
    assert lines["Error"] == "none given"


def test_a_run_of_which_too_many_images_failed_tells_its_counts_all_the_same():
    counts = {"submitted": 80, "accepted": 70, "review": 6, "failed": 4}
    cause = json.dumps({"counts": counts, "tolerated_failure_percentage": 2.5})
    lines = said({**EXECUTION, "status": "FAILED", "error": "TooManyFailed", "cause": cause})
    assert lines["Result"] == "80 submitted: 70 accepted, 6 review, 4 failed"
    assert "2.5 %" in lines["Error"]
    assert lines["Next"].startswith("python -m scripts.bulk results")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (3599, "59 min 59 s"),
        (7500, "2 h 05 min"),
    ],
)
def test_durations_read_as_people_say_them(seconds, text):
    assert duration(seconds) == text


def test_the_report_counts_by_status_label_and_error():
    counts = Counts(submitted=8)
    for status, label, listed in (
        ("accepted", "bicycle", 4),
        ("review", "bicycle", 1),
        ("accepted", "motorcycle", 1),
    ):
        counts.add({"status": status, "label": label, "listed": listed})
    for cause in ("the first", "the second"):
        counts.add({"status": "failed", "error": "InvalidImage", "cause": cause, "listed": 1})
    rows = [line.split() for line in report(counts).splitlines()]
    assert ["accepted", "5", "62.5%"] in rows
    assert ["failed", "2", "25.0%"] in rows
    assert ["submitted", "8"] in rows
    assert ["bicycle", "5", "83.3%", "4", "1"] in rows
    assert ["motorcycle", "1", "16.7%", "1", "0"] in rows
    assert ["InvalidImage", "2", "the", "first"] in rows


def test_the_report_of_nothing_but_failures_has_no_labels():
    counts = Counts(submitted=1)
    counts.add({"status": "failed", "error": "InvalidImage", "cause": "empty", "listed": 1})
    assert "label" not in report(counts)
