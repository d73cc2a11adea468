"""Who is told: CloudWatch by metrics, people by a message to the topic."""

from scripts.monitoring.report import HEALTHY, NOT_ENOUGH_DATA, VIOLATION, Report

# A schedule acts on it. 1 is any command's error.
EXIT_CODES = {HEALTHY: 0, VIOLATION: 2, NOT_ENOUGH_DATA: 3}
NAMED = 5  # violations that a message spells out
SUBJECT_LENGTH = 99  # SNS takes fewer than 100 characters


def metrics(report: Report, stage: str) -> list[dict]:
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


def subject(report: Report) -> str:
    """Return the message's subject: which endpoint, and what does not hold."""
    names = ", ".join(violation.feature_name for violation in report.violations)
    return f"{report.endpoint}: monitoring found {names}"[:SUBJECT_LENGTH]


def message(report: Report, place: str, stage: str) -> str:
    """Return what a person needs to act on violations, in a dozen lines at most."""
    count = len(report.violations)
    lines = [
        f"Monitoring of the endpoint {report.endpoint} found {count} violation{'s' * (count != 1)}:"
    ]
    lines += [f"- {violation.description}" for violation in report.violations[:NAMED]]
    if count > NAMED:
        lines.append(f"- and {count - NAMED} more")
    lines += [
        f"Images: {report.images:,} captured {span(report)}; "
        f"{report.unreadable:,} records could not be read.",
        f"Report, with the least confident images: {place}",
        "Look at the pictures first: a camera, a crop or other vehicles than before? If the change "
        "is meant to be, make a new baseline of it:",
        f"python -m scripts.monitor --stage {stage} baseline{_span_options(report)}",
    ]
    return "\n".join(lines)


def span(report: Report) -> str:
    """Return the span of time in words."""
    ends = [(word, moment) for word, moment in (("from", report.since), ("until", report.until))]
    return " ".join(f"{word} {moment:%Y-%m-%d %H:%M} UTC" for word, moment in ends if moment) or (
        "at any time"
    )


def _span_options(report: Report) -> str:
    ends = (("since", report.since), ("until", report.until))
    return "".join(f" --{name} {moment:%Y-%m-%dT%H:%M:%SZ}" for name, moment in ends if moment)
