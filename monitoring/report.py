"""`python -m scripts.monitor report`: captured photos against the baseline, shown and published."""

import dataclasses
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pandas as pd

from monitoring import accuracy, assessment, baseline, captures, files, load, table
from monitoring.accuracy import GroundTruth
from monitoring.assessment import EXIT_CODES, VIOLATION, Report
from monitoring.baseline import Baseline, Rules
from monitoring.files import Span
from monitoring.load import Selection
from service import config, options, terminal
from service.keys import BASELINE, REPORTS
from service.stack import Cloud, Stack

CONTENT_TYPES = {"report.json": "application/json", "report.html": "text/html"}
SUBJECT_LENGTH = 99  # SNS takes fewer than 100 characters


@terminal.command("report", example="--since 24h --output report/")
@load.select_captures
@load.place_option(
    *("--baseline", "baseline_place"),
    help="s3://bucket/prefix or a folder (default: where `baseline` puts it)",
)
@load.place_option(
    *("--ground-truth", "truth_place"),
    help="true classes by inference id: JSON lines in a file, a folder or s3://bucket/prefix",
)
@click.option(
    "--output", metavar="FOLDER", type=options.Folder(exists=False), default="build/monitoring"
)
@click.option(
    "--local", is_flag=True, help="write the folder alone: no upload, no metrics, no message"
)
def main(
    selection: Selection,
    baseline_place: str | None,
    truth_place: str | None,
    output: Path,
    local: bool,
) -> None:
    """Hold captured photos against the baseline.

    SOURCE is s3://bucket/prefix, a folder or a file; without it, the endpoint's captures. The exit
    code is 0 for healthy, 2 for a violation, 3 for not enough data to tell, and 1 for an error.
    """
    output.mkdir(parents=True, exist_ok=True)
    endpoint = "" if local and selection.source else selection.stack.endpoint
    place = baseline_place or f"s3://{selection.stack.bucket}/{BASELINE}"
    reference = baseline.read(place)
    truth = accuracy.read_ground_truth(truth_place) if truth_place else None
    loaded, model = selection.load(), selection.model
    frame, notes = captures.keep_served(loaded.frame, model)
    if selection.no_embedding and reference and table.embeddings(reference.frame).size:
        reference = dataclasses.replace(reference, frame=table.without_embeddings(reference.frame))
        notes.append("the embedding, which the baseline has, was not compared (--no-embedding)")
    report = assessment.assess(
        frame,
        reference,
        Rules.from_config(config.load()),
        model=model.name if model else "",
        truth=truth,
        span=_find_span(selection.span, frame, changed=len(frame) < len(loaded.frame)),
        endpoint=endpoint,
        records=loaded.records,
        unreadable=len(loaded.unreadable),
        notes=notes,
    )
    report.provenance = {"captures": selection.place, "baseline": str(reference or "none")}
    if truth:
        report.provenance["ground truth"] = f"{len(truth.labels):,} labels at {truth_place}"
    _print(report, reference, truth)
    content = {"status": report.status, **dataclasses.asdict(report)}
    body = json.dumps(content, indent=2, default=datetime.isoformat) + "\n"
    (output / "report.json").write_text(body)
    # matplotlib takes a second to import, which `load` and `baseline` need not wait for.
    from monitoring import page

    html = page.render(
        report,
        frame,
        reference.frame if reference else None,
        captures.read_image,
        [*loaded.unreadable, *(truth.unreadable if truth else [])],
    )
    (output / "report.html").write_text(html, encoding="utf-8")
    terminal.print_line("Report", str(output / "report.html"))
    if not local:
        publish(selection.cloud, selection.stack, selection.stage, report, output)
    sys.exit(EXIT_CODES[report.status])


def _find_span(selected: Span, frame: pd.DataFrame, changed: bool) -> Span:
    """Return the span of the photos: as selected, as far as that is closed and the model's own."""
    if frame.empty:
        return selected
    first, last = (time.to_pydatetime() for time in frame["time"].agg(["min", "max"]))
    since = first if changed or selected.since is None else selected.since
    return Span(since, selected.until or last + timedelta(seconds=1))


def _print(report: Report, reference: Baseline | None, truth: GroundTruth | None) -> None:
    if reference:
        terminal.print_line("Baseline", reference)
    if truth:
        terminal.print_line("Labels", f"{len(truth.labels):,}")
        load.print_unreadable(truth.unreadable)
    for name, value, context in report.figures():
        terminal.print_line(name, f"{value} ({context})" if context else value)
    terminal.print_line("Status", report.status)
    for text in report.details():
        terminal.print_line("", text)


def publish(cloud: Cloud, stack: Stack, stage: str, report: Report, folder: Path) -> None:
    """Upload the report's files, publish metrics, and a message if there is a violation."""
    place = f"s3://{stack.bucket}/{REPORTS}{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}"
    for name, content_type in CONTENT_TYPES.items():
        files.write(f"{place}/{name}", (folder / name).read_bytes(), content_type)
    page = f"{place}/report.html"
    cloud.client("cloudwatch").put_metric_data(
        Namespace=f"{config.load()['service']}/monitoring", MetricData=make_metrics(report, stage)
    )
    if report.status == VIOLATION:
        names = ", ".join(violation.name for violation in report.violations)
        cloud.client("sns").publish(
            TopicArn=stack.topic,
            Subject=f"{report.endpoint}: monitoring found {names}"[:SUBJECT_LENGTH],
            Message=make_message(report, page, stage),
        )
        terminal.print_line("Notified", stack.topic)
    terminal.print_line("Copy", page)


def make_metrics(report: Report, stage: str) -> list[dict]:
    """Return PutMetricData's MetricData. Status is the command's exit code."""
    counts = {
        "Images": report.images,
        "UnreadableRecords": report.unreadable,
        "Violations": len(report.violations),
    }
    values = {"Status": EXIT_CODES[report.status]}
    if report.accuracy is not None:
        values["MeanConfidence"] = report.accuracy.expected
        values["ShareAccepted"] = report.share_accepted
        if report.accuracy.true is not None:
            values["TrueAccuracy"] = report.accuracy.true
    values |= {f"Drift.{drift.name}": drift.effect for drift in report.drifts}
    dimensions = [
        {"Name": "Stage", "Value": stage},
        {"Name": "Endpoint", "Value": report.endpoint},
    ]
    return [
        {"MetricName": name, "Dimensions": dimensions, "Value": float(value), "Unit": unit}
        for unit, numbers in (("Count", counts), ("None", values))
        for name, value in numbers.items()
    ]


def make_message(report: Report, page: str, stage: str) -> str:
    """Return what a person needs to act on violations."""
    count, plural = len(report.violations), "s" * (len(report.violations) != 1)
    ends = dataclasses.asdict(report.span).items()
    span = "".join(f" --{name} {time:%Y-%m-%dT%H:%M:%SZ}" for name, time in ends if time)
    lines = [
        f"Monitoring of the endpoint {report.endpoint} found {count} violation{plural}:",
        *(f"- {violation.description}" for violation in report.violations),
        f"Photos: {report.images:,} captured {report.span}; "
        f"{report.unreadable:,} records could not be read."
        + "".join(f" Note: {note}." for note in report.notes),
        f"Report, with the least confident photos: {page}",
        "Look at the photos first: a camera, a crop or other vehicles than before? If the change "
        "is meant to be, make a new baseline of it:",
        f"python -m scripts.monitor baseline --stage {stage}{span}",
    ]
    return "\n".join(lines)
