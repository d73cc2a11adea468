"""`python -m scripts.monitor report`: captured photos against the baseline, shown and published."""

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
from monitoring.assessment import Photos
from monitoring.baseline import Baseline
from monitoring.files import Span, Unreadable
from monitoring.findings import VIOLATION, Report
from monitoring.gallery import image_reader
from monitoring.ground_truth import GroundTruth
from monitoring.load import Selection
from monitoring.rules import Rules
from service import config, options, terminal
from service.cloudwatch import choose_period
from service.hosting import VARIANT
from service.keys import REPORTS

PERCENTILES = ("p50", "p95", "p99")
POINTS = 200  # in a plot
HTML = "report.html"


@terminal.command("report", example="--since 24h --output report/")
@load.select_captures
@click.option(
    "--baseline",
    "baseline_place",
    metavar="PLACE",
    type=options.parse_place,
    help="s3://bucket/prefix or a folder (default: where `baseline` puts it)",
)
@click.option(
    "--ground-truth",
    "truth_place",
    metavar="PLACE",
    type=options.parse_place,
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
    place = baseline_place or baseline.default_place(selection.stack.bucket)
    reference = baseline.read(files.connect(place), place)
    truth = ground_truth.read(truth_place) if truth_place else None
    loaded, model = selection.load(), selection.model
    frame, notes = model_change.keep_served(loaded.frame, model, selection.place)
    if selection.no_embedding and reference and table.embeddings(reference.frame).size:
        reference = dataclasses.replace(reference, frame=table.without_embeddings(reference.frame))
        notes.append("the embedding, which the baseline has, was not compared (--no-embedding)")
    photos = Photos(
        frame=frame,
        span=_find_span(selection.span, frame, changed=len(frame) < len(loaded.frame)),
        records=loaded.records,
        unreadable=len(loaded.unreadable),
        endpoint=endpoint,
        model=model.name if model else "",
        truth=truth,
        notes=notes,
    )
    report = assessment.assess(photos, reference, Rules.from_config(config.load()))
    _print(report, reference, truth)

    provenance = {"captures": selection.place, "baseline": str(reference or "none")}
    if truth:
        provenance["ground truth"] = f"{len(truth.labels):,} labels at {truth_place}"
    points, span = [], report.span
    if endpoint and span.since and span.until:
        cloudwatch = selection.cloud.client("cloudwatch")
        points = read_latencies(cloudwatch, endpoint, span.since, span.until)
    unreadable = [*loaded.unreadable, *(truth.unreadable if truth else [])]
    content = dataclasses.asdict(report) | {"provenance": provenance}
    body = json.dumps(content, indent=2, default=datetime.isoformat) + "\n"
    (output / "report.json").write_text(body)
    page = draw(report, frame, reference, unreadable, selection.place, points, provenance)
    (output / HTML).write_text(page, encoding="utf-8")
    copy = None if local else publish(selection, report, output)
    terminal.print_line("Report", str(output / HTML))
    if copy:
        terminal.print_line("Copy", copy)
    sys.exit(notification.EXIT_CODES[report.status])


def _find_span(selected: Span, frame: pd.DataFrame, changed: bool) -> Span:
    """Return the span of the photos: as selected, as far as that is closed and the model's own."""
    if frame.empty:
        return selected
    first, last = (time.to_pydatetime() for time in frame["time"].agg(["min", "max"]))
    since = first if changed or selected.since is None else selected.since
    return Span(since, selected.until or last + timedelta(seconds=1))


def draw(
    report: Report,
    frame: pd.DataFrame,
    reference: Baseline | None,
    unreadable: list[Unreadable],
    source: str,
    points: list,
    provenance: dict[str, str],
) -> str:
    """Return the report's page, which holds its pictures."""
    # matplotlib takes a second to import, which `load` and `baseline` need not wait for.
    from monitoring import gallery, html, pictures

    tiles = gallery.least_confident(frame, image_reader(source))
    before = reference.frame if reference else None
    plots = pictures.list_pictures(report, frame, before, points)
    return html.render(report, plots, tiles, unreadable, provenance)


def publish(selection: Selection, report: Report, folder: Path) -> str:
    """Upload the report's files, publish metrics, and a message if there is a violation.

    Returns where the page lies.
    """
    cloud, stack = selection.cloud, selection.stack
    place = f"s3://{stack.bucket}/{REPORTS}{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}"
    for name in ("report.json", HTML):
        content_type, _ = mimetypes.guess_type(name)
        body = (folder / name).read_bytes()
        files.write_file(cloud.client("s3"), place, name, body, content_type)
    page = f"{place}/{HTML}"
    cloud.client("cloudwatch").put_metric_data(
        Namespace=f"{config.load()['service']}/monitoring",
        MetricData=notification.metrics(report, selection.stage),
    )
    if report.status == VIOLATION:
        cloud.client("sns").publish(
            TopicArn=stack.topic,
            Subject=notification.subject(report),
            Message=notification.message(report, page, selection.stage),
        )
        terminal.print_line("Notified", stack.topic)
    return page


def _print(report: Report, reference: Baseline | None, truth: GroundTruth | None) -> None:
    if reference:
        terminal.print_line("Baseline", reference)
    if truth:
        first = "".join(
            f", the first is {fault.file} line {fault.line}: {fault.reason}"
            for fault in truth.unreadable[:1]
        )
        unreadable = f"unreadable lines: {len(truth.unreadable):,}{first}"
        terminal.print_line("Labels", f"{len(truth.labels):,}; {unreadable}")
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
    answer = cloudwatch.get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="ModelLatency",
        Dimensions=[
            {"Name": "EndpointName", "Value": endpoint},
            {"Name": "VariantName", "Value": VARIANT},
        ],
        StartTime=since,
        EndTime=until,
        Period=choose_period(since, until, datetime.now(UTC), POINTS),
        ExtendedStatistics=[*PERCENTILES],
    )
    return sorted(
        (
            point["Timestamp"],
            *(point["ExtendedStatistics"][name] / 1000 for name in PERCENTILES),  # microseconds
        )
        for point in answer["Datapoints"]
    )
