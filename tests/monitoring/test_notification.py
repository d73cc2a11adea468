"""What CloudWatch and people are told of a report."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from monitoring import notification
from monitoring.findings import (
    VIOLATION,
    Accuracy,
    Drift,
    Report,
    Violation,
)
from service import terminal

DRIFTED = Drift(
    "brightness",
    "feature",
    1.25,
    "baseline standard deviations",
    (0.02, 0.2),
    0.0005,
    900,
    500,
    True,
)
REPORT = Report(
    status=VIOLATION,
    reasons=[],
    since=datetime(2026, 11, 2, tzinfo=UTC),
    until=datetime(2026, 11, 3, 12, 30, tzinfo=UTC),
    images=500,
    unreadable=2,
    threshold=0.96,
    drifts=[DRIFTED],
    accuracy=Accuracy(0.95, 0.93, 0.97, None, None, None, 0),
    share_accepted=0.7,
    endpoint="scones-vehicles-dev",
    violations=[Violation("brightness", "baseline_drift_check", "brightness moved by 1.25")],
)


def values(report):
    return {item["MetricName"]: item["Value"] for item in notification.metrics(report, "dev")}


def test_metrics_hold_the_reports_numbers():
    assert values(REPORT) == {
        "Images": 500,
        "UnreadableRecords": 2,
        "Violations": 1,
        "Status": 2,
        "MeanConfidence": 0.95,
        "ShareAccepted": 0.7,
        "Drift.brightness": 1.25,
    }


def test_a_message_says_what_of_which_images_and_what_to_do():
    said = notification.message(REPORT, "s3://bucket/report.html", "dev")
    for words in (
        "scones-vehicles-dev",
        "- brightness moved by 1.25",
        "500 captured from 2026-11-02 00:00 UTC until 2026-11-03 12:30 UTC",
        "2 records could not be read",
        "s3://bucket/report.html",
        "python -m scripts.monitor baseline --stage dev "
        "--since 2026-11-02T00:00:00Z --until 2026-11-03T12:30:00Z",
    ):
        assert words in said


@pytest.mark.parametrize("count", [1, 5, 6, 40])
def test_a_message_has_a_dozen_lines_at_most_and_counts_the_rest(count):
    many = [Violation(f"property-{n}", "baseline_drift_check", f"moved {n}") for n in range(count)]
    report = replace(REPORT, violations=many)
    said = notification.message(report, "s3://bucket/report.html", "dev")
    assert len(said.splitlines()) <= 12
    assert f"{count} violation" in said
    assert ("more" in said.split("Images:")[0]) == (count > 5)
    assert len(notification.subject(report)) < 100
    assert notification.subject(report).startswith(
        "scones-vehicles-dev: monitoring found property-0"
    )


def test_the_table_marks_what_is_violated():
    calm = replace(DRIFTED, name="colour", violated=False)
    brightness, colour = terminal.render(notification.tabulate([DRIFTED, calm])).splitlines()[2:4]
    assert "violation" in brightness
    assert "violation" not in colour
    assert "0.020 to 0.200" in colour


def test_the_numbers_hold_both_accuracies_and_what_to_hold_them_against():
    labelled = replace(
        REPORT, accuracy=Accuracy(0.95, 0.93, 0.97, 0.9, 0.85, 0.94, 80, expected_labelled=0.96)
    )
    assert notification.list_numbers(labelled) == [
        ("Images", "500", ""),
        ("Unreadable", "2", "records"),
        ("Accepted", "70.0%", "confidence of 0.96 or more"),
        ("Drifted", "1 of 1", "properties compared"),
        ("Expected", "95.0%", "93.0% to 97.0% right"),
        ("True", "90.0%", "85.0% to 94.0% right of 80 labelled, 96.0% expected of them"),
    ]
