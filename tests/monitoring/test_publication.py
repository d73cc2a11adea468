"""What CloudWatch and people get to know of a report."""

from types import SimpleNamespace

import pytest

from monitoring import publication
from monitoring.assessment import HEALTHY, VIOLATION, Violation
from tests.monitoring.frames import EXPECTED, drifts, make_report
from tests.unit.service.memory_s3 import MemoryS3

REPORT = make_report(
    accuracy=EXPECTED,
    drifts=drifts("brightness")[2:3],
    violations=[Violation("brightness", "brightness moved by 1.43")],
)


class Recorder:
    """A client that keeps its requests."""

    def __init__(self):
        self.requests = []

    def __getattr__(self, operation):
        return lambda **request: self.requests.append((operation, request))


@pytest.mark.parametrize(("status", "messages"), [(HEALTHY, 0), (VIOLATION, 1)])
def test_publishing_uploads_and_sends_a_message_for_a_violation(tmp_path, status, messages):
    clients = {"s3": MemoryS3(), "cloudwatch": Recorder(), "sns": Recorder()}
    cloud = SimpleNamespace(client=clients.__getitem__)
    stack = SimpleNamespace(bucket="bucket", topic="arn:topic")
    for name in ("report.html", "report.json"):
        (tmp_path / name).write_text("")
    page = publication.publish(cloud, stack, "dev", make_report(status), tmp_path)
    assert page.startswith("s3://bucket/monitoring/reports/20")
    folder = page.removeprefix("s3://bucket/").removesuffix("report.html")
    assert set(clients["s3"].objects) == {f"{folder}report.html", f"{folder}report.json"}
    [(operation, request)] = clients["cloudwatch"].requests
    assert operation == "put_metric_data"
    assert request["Namespace"] == "scones-vehicles/monitoring"
    assert len(clients["sns"].requests) == messages
    for _, message in clients["sns"].requests:
        assert message["TopicArn"] == "arn:topic"
        assert page in message["Message"]


def test_metrics_hold_the_reports_numbers():
    metrics = publication.make_metrics(make_report(drifts=REPORT.drifts), "dev")
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
    message = publication.make_message(REPORT, "s3://bucket/report.html", "dev")
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


def test_a_subject_is_as_long_as_sns_takes():
    subject = publication.make_subject(make_report(violations=[Violation("property", "")] * 40))
    assert len(subject) < 100
    assert subject.startswith("scones-vehicles-dev: monitoring found property")
