"""A report in numbers for CloudWatch, in words for a message and a terminal."""

from monitoring.findings import HEALTHY, NOT_ENOUGH_DATA, VIOLATION, Report

# A schedule acts on it. 1 is any command's error.
EXIT_CODES = {HEALTHY: 0, VIOLATION: 2, NOT_ENOUGH_DATA: 3}
SPELLED_OUT = 5  # violations in a message
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
    names = ", ".join(violation.name for violation in report.violations)
    return f"{report.endpoint}: monitoring found {names}"[:SUBJECT_LENGTH]


def message(report: Report, page: str, stage: str) -> str:
    """Return what a person needs to act on violations, in a dozen lines at most."""
    count = len(report.violations)
    lines = [
        f"Monitoring of the endpoint {report.endpoint} found {count} violation{'s' * (count != 1)}:"
    ]
    lines += [f"- {violation.description}" for violation in report.violations[:SPELLED_OUT]]
    if count > SPELLED_OUT:
        lines.append(f"- and {count - SPELLED_OUT} more")
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


def list_numbers(report: Report) -> list[tuple[str, str, str]]:
    """Return the figures to see first: name, value and what to hold it against."""
    numbers = [("Photos", f"{report.images:,}", "")]
    if report.unreadable:
        numbers.append(("Unreadable", f"{report.unreadable:,}", "records"))
    if report.share_accepted is not None:
        against = f"confidence of {report.threshold:g} or more"
        numbers.append(("Accepted", f"{report.share_accepted:.1%}", against))
    if report.drifts:
        violated = sum(drift.violated for drift in report.drifts)
        numbers.append(("Drifted", f"{violated} of {len(report.drifts)}", "properties compared"))
    accuracy = report.accuracy
    if accuracy is not None:
        against = f"{accuracy.expected_low:.1%} to {accuracy.expected_high:.1%} right"
        numbers.append(("Expected", f"{accuracy.expected:.1%}", against))
    if accuracy is not None and accuracy.true is not None:
        against = (
            f"{accuracy.true_low:.1%} to {accuracy.true_high:.1%} right of "
            f"{accuracy.labelled:,} labelled, {accuracy.expected_labelled:.1%} expected of them"
        )
        numbers.append(("True", f"{accuracy.true:.1%}", against))
    return numbers
