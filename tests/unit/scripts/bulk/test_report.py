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
    "output": None,
}
MAP_RUN = make_map_run(seconds=6, total=1000, succeeded=590, failed=10, running=200, pending=200)


def said(execution=EXECUTION, map_run=MAP_RUN) -> dict[str, str]:
    return dict(status_lines(execution, map_run, "dev"))


def test_a_running_run_shows_how_far_it_is_and_how_long_it_takes():
    lines = said({**EXECUTION, "status": "RUNNING"})
    assert lines["Progress"] == (
        "60%, 600 of 1,000 photos, 10 in batches that failed, 100 a second, about 4 s left"
    )
    assert lines["Next"] == "python -m scripts.bulk results bulk-1"
    running = {**EXECUTION, "status": "RUNNING"}
    assert "Progress" not in said(running, None)
    assert said(running, make_map_run(seconds=0))["Progress"] == "0%, 0 of 0 photos"


def test_a_run_that_failed_tells_why():
    lines = said({**EXECUTION, "status": "FAILED", "error": "InvalidRun", "cause": "it\nlacks"})
    assert lines["Error"] == "InvalidRun: it lacks"
    assert said({**EXECUTION, "status": "ABORTED"})["Error"] == "none given"


def test_a_run_of_which_too_many_images_failed_tells_its_counts_all_the_same():
    counts = {"submitted": 80, "accepted": 70, "review": 6, "failed": 4}
    cause = json.dumps({"counts": counts, "tolerated_failure_percentage": 2.5})
    lines = said({**EXECUTION, "status": "FAILED", "error": "TooManyFailed", "cause": cause})
    assert lines["Result"] == "80 submitted: 70 accepted, 6 review, 4 failed"
    assert "2.5 %" in lines["Error"]


def test_the_report_counts_by_status_label_and_error():
    counts = Counts()
    for cause in ("the first", "the second"):
        counts.add({"status": "failed", "error": "InvalidImage", "cause": cause, "listed": 1})
    assert "label" not in "".join(map(terminal.render, tables(counts)))
    classified = [("accepted", "bicycle", 4), ("review", "bicycle", 1), ("accepted", "bus", 1)]
    for status, label, listed in classified:
        counts.add({"status": status, "label": label, "listed": listed})
    rows = [line.split() for each in tables(counts) for line in terminal.render(each).splitlines()]
    assert ["accepted", "5", "62.5%"] in rows
    assert ["failed", "2", "25.0%"] in rows
    assert ["submitted", "8"] in rows
    assert ["bicycle", "5", "4", "1"] in rows
    assert ["bus", "1", "1", "0"] in rows
    assert ["InvalidImage", "2", "the", "first"] in rows
