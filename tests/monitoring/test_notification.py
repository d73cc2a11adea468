"""What CloudWatch and people get to know of a report."""

from dataclasses import replace

import pytest

from monitoring import notification
from monitoring.findings import Violation
from tests.monitoring.frames import EXPECTED, drifts, make_report

REPORT = make_report(
    accuracy=EXPECTED,
    drifts=drifts("brightness")[2:3],
    violations=[Violation("brightness", "brightness moved by 1.43")],
)


def test_metrics_hold_the_reports_numbers():
    metrics = notification.metrics(make_report(drifts=REPORT.drifts), "dev")
    assert {item["MetricName"]: item["Value"] for item in metrics} == {
        "Images": 5000,
        "UnreadableRecords": 2,
        "Violations": 4,
        "Status": 2,
        "MeanConfidence": 0.951,
        "ShareAccepted": 0.72,
        "TrueAccuracy": 0.886,
        "Drift.brightness": 1.43,
    }
    assert {item["Name"]: item["Value"] for item in metrics[0]["Dimensions"]} == {
        "Stage": "dev",
        "Endpoint": "scones-vehicles-dev",
    }


def test_a_message_says_what_of_which_photos_and_what_to_do():
    message = notification.message(REPORT, "s3://bucket/report.html", "dev")
    for words in (
        "scones-vehicles-dev",
        "- brightness moved by 1.43",
        "5,000 captured from 2026-11-16 00:00 UTC until 2026-11-23 00:00 UTC",
        "2 records could not be read",
        "s3://bucket/report.html",
        "python -m scripts.monitor baseline --stage dev "
        "--since 2026-11-16T00:00:00Z --until 2026-11-23T00:00:00Z",
    ):
        assert words in message


@pytest.mark.parametrize("count", [1, 5, 6, 40])
def test_a_message_has_a_dozen_lines_at_most_and_counts_the_rest(count):
    many = [Violation(f"property-{number}", f"moved {number}") for number in range(count)]
    report = replace(REPORT, violations=many)
    message = notification.message(report, "s3://bucket/report.html", "dev")
    assert len(message.splitlines()) <= 12
    assert f"{count} violation" in message
    assert ("more" in message.split("Photos:")[0]) == (count > 5)
    subject = notification.subject(report)
    assert len(subject) < 100
    assert subject.startswith("scones-vehicles-dev: monitoring found property-0")


def test_the_numbers_hold_both_accuracies_and_what_to_hold_them_against():
    assert notification.list_numbers(make_report(drifts=REPORT.drifts)) == [
        ("Photos", "5,000", ""),
        ("Unreadable", "2", "records"),
        ("Accepted", "72.0%", "confidence of 0.96 or more"),
        ("Drifted", "1 of 1", "properties compared"),
        ("Expected", "95.1%", "94.8% to 95.4% right"),
        ("True", "88.6%", "85.9% to 90.8% right of 640 labelled, 90.4% expected of them"),
    ]
