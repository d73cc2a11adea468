"""`python -m scripts.monitor report`: captured images against the baseline, shown and published."""

import dataclasses
import json
import mimetypes
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pandas as pd

from monitoring import (
    assessment,
    baseline,
    files,
    ground_truth,
    load,
    model_change,
    notification,
    table,
)
from monitoring.assessment import Images
from monitoring.baseline import Baseline
from monitoring.captures import Unreadable
from monitoring.findings import VIOLATION, Report
from monitoring.gallery import image_reader
from monitoring.ground_truth import GroundTruth
from monitoring.load import Selection
from monitoring.rules import Rules
from service import config, options, terminal
from service.hosting import VARIANT
from service.keys import REPORTS
from service.stack import Cloud, Stack, find_stack

PERCENTILES = ("p50", "p95", "p99")
POINTS = 200  # in a picture
# How long CloudWatch keeps points of so many seconds; hours it keeps for 455 days.
KEPT = ((timedelta(days=15), 60), (timedelta(days=63), 300))
HOUR = 3600
HTML = "report.html"


@terminal.command("report", example="--since 24h --output report/")
@load.select_captures
@click.option(
    "--baseline",
    "baseline_place",
    metavar="PLACE",
    type=options.PathOrUri(),
    help="s3://bucket/prefix or a folder (default: where `baseline` puts it)",
)
@click.option(
    "--ground-truth",
    "truth_place",
    metavar="PLACE",
    type=options.PathOrUri(),
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
    """Hold captured images against the baseline.

    SOURCE is s3://bucket/prefix, a folder or a file; without it, the endpoint's captures. The exit
    code is 0 for healthy, 2 for a violation, 3 for not enough data to tell, and 1 for an error.
    """
    output.mkdir(parents=True, exist_ok=True)
    cloud = stack = None
    if not (local and selection.source and baseline_place):
        cloud = Cloud()
        stack = find_stack(cloud, selection.stage)
    endpoint = selection.endpoint or (
        stack.endpoint if stack else config.service_name(selection.stage)
    )
    place = baseline_place or baseline.default_place(stack.bucket)
    reference = baseline.read(files.connect(place, cloud), place)
    truth = ground_truth.read(truth_place) if truth_place else None
    source, model = load.choose(selection)
    loaded = load.load(source, model, selection)
    frame, notes = model_change.keep_served(loaded.frame, model, source)
    if selection.no_embedding and reference and table.embeddings(reference.frame).size:
        reference = dataclasses.replace(reference, frame=table.without_embeddings(reference.frame))
        notes.append("the embedding, which the baseline has, was not compared (--no-embedding)")
    since, until = selection.since, selection.until
    if len(frame):
        first, last = (time.to_pydatetime() for time in frame["time"].agg(["min", "max"]))
        since = first if since is None or len(frame) < len(loaded.frame) else since
        until = until or last + timedelta(seconds=1)
    report = assessment.assess(
        Images(
            frame=frame,
            since=since,
            until=until,
            records=loaded.records,
            unreadable=len(loaded.unreadable),
            endpoint=endpoint,
            model=model.name if model else "",
            truth=truth,
            notes=notes,
        ),
        reference,
        Rules.from_config(config.load()),
    )
    provenance = {"captures": source, "baseline": str(reference or "none")}
    if truth:
        provenance["ground truth"] = f"{len(truth.labels):,} labels at {truth_place}"
    _print(report, reference, truth)
    points = []
    if cloud and since and until:
        points = read_latencies(cloud.client("cloudwatch"), endpoint, since, until)
    unreadable = [*loaded.unreadable, *(truth.unreadable if truth else [])]
    written = [
        *write(output, report, provenance),
        draw(output, report, frame, reference, unreadable, source, points, provenance),
    ]
    page = str(output / HTML)
    if not local:
        page = publish(cloud, stack, report, written, selection.stage)
    terminal.print_line("Report", page)
    sys.exit(notification.EXIT_CODES[report.status])


def write(folder: Path, report: Report, provenance: dict[str, str]) -> list[Path]:
    """Write the report and its violations as JSON into the folder; return the files."""
    contents = {
        "report.json": dataclasses.asdict(report) | {"made": provenance},
        "constraint_violations.json": assessment.list_violations(report),
    }
    for name, content in contents.items():
        (folder / name).write_text(json.dumps(content, indent=2, default=datetime.isoformat) + "\n")
    return [folder / name for name in contents]


def draw(
    folder: Path,
    report: Report,
    frame: pd.DataFrame,
    reference: Baseline | None,
    unreadable: list[Unreadable],
    source: str,
    points: list,
    provenance: dict[str, str],
) -> Path:
    """Write the report's page, which holds its pictures; return the file."""
    # matplotlib takes a second to import, which `load` and `baseline` need not wait for.
    from monitoring import gallery, html, pictures

    tiles = gallery.least_confident(frame, image_reader(source))
    drawn = pictures.list_pictures(report, frame, reference.frame if reference else None, points)
    page = html.render(report, drawn, tiles, unreadable, provenance)
    (folder / HTML).write_text(page, encoding="utf-8")
    return folder / HTML


def publish(cloud: Cloud, stack: Stack, report: Report, written: list[Path], stage: str) -> str:
    """Upload the files, publish metrics, and a message if there is a violation.

    Returns where the page lies.
    """
    s3 = cloud.client("s3")
    place = f"s3://{stack.bucket}/{REPORTS}{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}"
    for file in written:
        content_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        files.write_file(s3, place, file.name, file.read_bytes(), content_type)
    page = f"{place}/{HTML}"
    cloud.client("cloudwatch").put_metric_data(
        Namespace=f"{config.load()['service']}/monitoring",
        MetricData=notification.metrics(report, stage),
    )
    if report.status == VIOLATION:
        cloud.client("sns").publish(
            TopicArn=stack.topic,
            Subject=notification.subject(report),
            Message=notification.message(report, page, stage),
        )
        terminal.print_line("Notified", stack.topic)
    return page


def _print(report: Report, reference: Baseline | None, truth: GroundTruth | None) -> None:
    if reference:
        terminal.print_line("Baseline", reference)
    if truth:
        lines = f"{load.count(len(truth.unreadable), 'line')} unreadable"
        first = "".join(
            f", the first is {f.file} line {f.line}: {f.reason}" for f in truth.unreadable[:1]
        )
        terminal.print_line("Labels", f"{len(truth.labels):,}; {lines}{first}")
    if report.drifts:
        print()
        terminal.show(notification.tabulate(report.drifts))
        print()
    for name, value, against in notification.list_numbers(report):
        terminal.print_line(name, f"{value} ({against})" if against else value)
    terminal.print_line("Status", report.status)
    for text in [*(item.description for item in report.violations), *report.reasons, *report.notes]:
        terminal.print_line("", text)


def read_latencies(
    cloudwatch, endpoint: str, since: datetime, until: datetime
) -> list[tuple[datetime, float, float, float]]:
    """Return times with their p50, p95 and p99 of ModelLatency in milliseconds, the oldest first.

    A point stands for the period of time that it begins.
    """
    age = datetime.now(UTC) - since
    shortest = next((seconds for kept, seconds in KEPT if age < kept), HOUR)
    period = max(-int(-(until - since).total_seconds() // POINTS // shortest) * shortest, shortest)
    queries = [
        {
            "Id": percentile,
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/SageMaker",
                    "MetricName": "ModelLatency",
                    "Dimensions": [
                        {"Name": "EndpointName", "Value": endpoint},
                        {"Name": "VariantName", "Value": VARIANT},
                    ],
                },
                "Period": period,
                "Stat": percentile,
            },
        }
        for percentile in PERCENTILES
    ]
    points: dict[datetime, dict[str, float]] = {}
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=since, EndTime=until
    )
    for page in pages:
        for series in page["MetricDataResults"]:
            for time, value in zip(series["Timestamps"], series["Values"], strict=True):
                points.setdefault(time, {})[series["Id"]] = value / 1000  # of microseconds
    return [
        (time, *(values[percentile] for percentile in PERCENTILES))
        for time, values in sorted(points.items())
        if len(values) == len(PERCENTILES)
    ]
