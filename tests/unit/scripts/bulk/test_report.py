import json
from datetime import UTC, datetime, timedelta

from scripts.bulk.__main__ import status_lines, tables
from scripts.bulk.results import Counts
from service import terminal
from tests.unit.scripts.bulk.memory_states import make_map_run

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
MAP_RUN = make_map_run(seconds=6, total=1000, succeeded=590, failed=10, running=200, pending=200)


def said(execution=EXECUTION, map_run=MAP_RUN, stage="dev") -> dict[str, str]:
    return dict(status_lines(execution, map_run, stage))


def test_a_running_run_shows_how_far_it_is_and_how_long_it_takes():
    lines = said({**EXECUTION, "status": "RUNNING"})
    assert lines["Progress"] == (
        "60%, 600 of 1,000 photos, 10 in batches that failed, 100 a second, about 4 s left"
    )
    assert lines["Next"] == "python -m scripts.bulk status --follow bulk-1"


def test_a_run_that_has_not_begun_its_batches_shows_no_progress():
    running = {**EXECUTION, "status": "RUNNING"}
    assert "Progress" not in said(running, None)
    assert said(running, make_map_run(seconds=0))["Progress"] == "0%, 0 of 0 photos"


def test_a_run_that_succeeded_tells_its_counts_and_what_is_next():
    lines = said(stage="test")
    assert lines["Status"] == "SUCCEEDED, after 2 min 05 s"
    assert lines["Result"].startswith("1,000 submitted: 900 accepted, 99 review, ")
    assert lines["Result"].endswith("1 failed")
    assert "left" not in lines["Progress"]
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


def rendered(counts: Counts) -> str:
    return "\n".join(map(terminal.render, tables(counts)))


def test_the_report_counts_by_status_label_and_error():
    counts = Counts()
    for status, label, listed in (
        ("accepted", "bicycle", 4),
        ("review", "bicycle", 1),
        ("accepted", "motorcycle", 1),
    ):
        counts.add({"status": status, "label": label, "listed": listed})
    for cause in ("the first", "the second"):
        counts.add({"status": "failed", "error": "InvalidImage", "cause": cause, "listed": 1})
    rows = [line.split() for line in rendered(counts).splitlines()]
    assert ["accepted", "5", "62.5%"] in rows
    assert ["failed", "2", "25.0%"] in rows
    assert ["submitted", "8"] in rows
    assert ["bicycle", "5", "4", "1"] in rows
    assert ["motorcycle", "1", "1", "0"] in rows
    assert ["InvalidImage", "2", "the", "first"] in rows


def test_the_report_of_nothing_but_failures_has_no_labels():
    counts = Counts()
    counts.add({"status": "failed", "error": "InvalidImage", "cause": "empty", "listed": 1})
    assert "label" not in rendered(counts)
