"""A report's publication: its files in the bucket, numbers in CloudWatch, a message to people."""

from datetime import UTC, datetime
from pathlib import Path

from monitoring.assessment import EXIT_CODES, VIOLATION, Report
from service import config, terminal
from service.keys import REPORTS
from service.stack import Cloud, Stack

CONTENT_TYPES = {"report.json": "application/json", "report.html": "text/html"}
SUBJECT_LENGTH = 99  # SNS takes fewer than 100 characters


def publish(cloud: Cloud, stack: Stack, stage: str, report: Report, folder: Path) -> str:
    """Upload the report's files, publish metrics, and a message if there is a violation.

    Returns where the page lies.
    """
    s3, prefix = cloud.client("s3"), f"{REPORTS}{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}"
    for name, content_type in CONTENT_TYPES.items():
        body = (folder / name).read_bytes()
        s3.put_object(
            Bucket=stack.bucket, Key=f"{prefix}/{name}", Body=body, ContentType=content_type
        )
    page = f"s3://{stack.bucket}/{prefix}/report.html"
    cloud.client("cloudwatch").put_metric_data(
        Namespace=f"{config.load()['service']}/monitoring", MetricData=make_metrics(report, stage)
    )
    if report.status == VIOLATION:
        cloud.client("sns").publish(
            TopicArn=stack.topic,
            Subject=make_subject(report),
            Message=make_message(report, page, stage),
        )
        terminal.print_line("Notified", stack.topic)
    return page


def make_metrics(report: Report, stage: str) -> list[dict]:
    """Return PutMetricData's MetricData. Status is the command's exit code."""
    values = {
        "Images": (report.images, "Count"),
        "UnreadableRecords": (report.unreadable, "Count"),
        "Violations": (len(report.violations), "Count"),
        "Status": (EXIT_CODES[report.status], "None"),
    }
    if report.accuracy is not None:
        values["MeanConfidence"] = (report.accuracy.expected, "None")
        values["ShareAccepted"] = (report.share_accepted, "None")
        if report.accuracy.true is not None:
            values["TrueAccuracy"] = (report.accuracy.true, "None")
    for drift in report.drifts:
        values[f"Drift.{drift.name}"] = (drift.effect, "None")
    dimensions = [
        {"Name": "Stage", "Value": stage},
        {"Name": "Endpoint", "Value": report.endpoint},
    ]
    return [
        {"MetricName": name, "Dimensions": dimensions, "Value": float(value), "Unit": unit}
        for name, (value, unit) in values.items()
    ]


def make_subject(report: Report) -> str:
    """Return the message's subject: which endpoint, and what does not hold."""
    names = ", ".join(violation.name for violation in report.violations)
    return f"{report.endpoint}: monitoring found {names}"[:SUBJECT_LENGTH]


def make_message(report: Report, page: str, stage: str) -> str:
    """Return what a person needs to act on violations."""
    count = len(report.violations)
    lines = [
        f"Monitoring of the endpoint {report.endpoint} found {count} violation{'s' * (count != 1)}:"
    ]
    lines += [f"- {violation.description}" for violation in report.violations]
    ends = (("since", report.span.since), ("until", report.span.until))
    options = "".join(f" --{name} {time:%Y-%m-%dT%H:%M:%SZ}" for name, time in ends if time)
    lines += [
        f"Photos: {report.images:,} captured {report.span}; "
        f"{report.unreadable:,} records could not be read."
        + "".join(f" Note: {note}." for note in report.notes),
        f"Report, with the least confident photos: {page}",
        "Look at the photos first: a camera, a crop or other vehicles than before? If the change "
        "is meant to be, make a new baseline of it:",
        f"python -m scripts.monitor baseline --stage {stage}{options}",
    ]
    return "\n".join(lines)
