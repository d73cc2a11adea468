"""`python -m scripts.monitor report`: captured images against the baseline, shown and told."""

import argparse
import dataclasses
import json
import mimetypes
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitoring import (
    assessment,
    baseline,
    ground_truth,
    load,
    model_monitor,
    notification,
    sources,
)
from monitoring.assessment import Images
from monitoring.baseline import Baseline
from monitoring.captures import Loaded
from monitoring.findings import VIOLATION, Report
from monitoring.gallery import image_reader
from monitoring.ground_truth import GroundTruth
from monitoring.rules import Rules
from service import config, terminal
from service.hosting import VARIANT
from service.keys import REPORTS
from service.stack import Cloud, Stack, find_stack

PERCENTILES = ("p50", "p95", "p99")
POINTS = 200  # in a picture
# How long CloudWatch keeps points of so many seconds; hours it keeps for 455 days.
KEPT = ((timedelta(days=15), 60), (timedelta(days=63), 300))
HOUR = 3600
HTML = "report.html"
JSON = "report.json"


def parser() -> argparse.ArgumentParser:
    """Return the parser of `report`."""
    result = terminal.parser(
        "monitor report",
        "Hold captured images against the baseline. The exit code is 0 for healthy, 2 for a "
        "violation, 3 for not enough data to tell, and 1 for an error.",
        "--since 24h --output report/",
    )
    load.add_source(result)
    result.add_argument(
        "--baseline",
        metavar="PLACE",
        help="s3://bucket/prefix or a folder (default: where `baseline` puts it)",
    )
    result.add_argument(
        "--ground-truth",
        metavar="PLACE",
        help="true classes by inference id: JSON lines in a file, a folder or s3://bucket/prefix",
    )
    result.add_argument(
        "--output",
        metavar="FOLDER",
        type=Path,
        default=Path("build/monitoring"),
        help="default: %(default)s",
    )
    result.add_argument(
        "--local",
        action="store_true",
        help="write the folder alone: no upload, no metrics, no message",
    )
    return result


def run(arguments: argparse.Namespace) -> None:
    """Report, and leave with the exit code that the status has."""
    cloud = stack = None
    if not (arguments.local and arguments.source and arguments.baseline):
        cloud = Cloud()
        stack = find_stack(cloud, arguments.stage)
    endpoint = arguments.endpoint or (
        stack.endpoint if stack else config.service_name(arguments.stage)
    )
    held_against = arguments.baseline or baseline.place_in(stack.bucket)
    known = baseline.read(sources.client(cloud, held_against), held_against)
    truth = GroundTruth()
    if arguments.ground_truth:
        truth = ground_truth.read(arguments.ground_truth)
    source, model = load.choose(arguments)
    loaded = load.load(source, model, arguments)
    since, until = _span(loaded, arguments)
    report = assessment.assess(
        Images(
            frame=loaded.frame,
            since=since,
            until=until,
            records=loaded.records,
            unreadable=len(loaded.unreadable),
            endpoint=endpoint,
            model=model.name if model else "",
            labels=truth.labels,
        ),
        known,
        Rules.from_config(config.load()),
    )
    made = {
        "captures": source,
        "baseline": f"{known.images:,} images, {known.origin}" if known else "none",
    }
    if arguments.ground_truth:
        made["ground truth"] = f"{len(truth.labels):,} labels at {arguments.ground_truth}"
    _show(report, known, truth)
    points = []
    if cloud and since and until:
        points = read_latencies(cloud.client("cloudwatch"), endpoint, since, until)
    folder = arguments.output
    files = [
        *write(folder, report, made),
        draw(folder, report, loaded, known, truth, source, points, made),
    ]
    place = str(folder / HTML)
    if not arguments.local:
        place = tell(cloud, stack, report, files, arguments)
    terminal.say("Report", place)
    sys.exit(notification.EXIT_CODES[report.status])


def write(folder: Path, report: Report, made: dict[str, str]) -> list[Path]:
    """Write the report and its violations as JSON into the folder; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    content = dataclasses.asdict(report) | {"made": made}
    violations = model_monitor.violations(report.violations)
    files = []
    for name, members in ((JSON, content), (model_monitor.VIOLATIONS, violations)):
        files.append(folder / name)
        files[-1].write_text(json.dumps(members, indent=2, default=_iso) + "\n")
    return files


def draw(
    folder: Path,
    report: Report,
    loaded: Loaded,
    known: Baseline | None,
    truth: GroundTruth,
    source: str,
    points: list,
    made: dict[str, str],
) -> Path:
    """Write the report's page, which holds its pictures; return the file."""
    # matplotlib takes a second to import, which `load` and `baseline` need not wait for.
    from monitoring import gallery, html, pictures

    tiles = gallery.least_confident(loaded.frame, image_reader(source))
    drawn = pictures.of_report(report, loaded.frame, known.frame if known else None, points)
    unreadable = [*loaded.unreadable, *truth.unreadable]
    page = html.render(report, drawn, tiles, unreadable, made)
    (folder / HTML).write_text(page, encoding="utf-8")
    return folder / HTML


def tell(
    cloud: Cloud,
    stack: Stack,
    report: Report,
    files: list[Path],
    arguments: argparse.Namespace,
) -> str:
    """Upload the files, publish metrics, and a message if there is a violation.

    Returns where the page lies.
    """
    s3 = cloud.client("s3")
    place = f"s3://{stack.bucket}/{REPORTS}{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}"
    for file in files:
        content_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        sources.put_file(s3, place, file.name, file.read_bytes(), content_type)
    page = f"{place}/{HTML}"
    cloud.client("cloudwatch").put_metric_data(
        Namespace=f"{config.load()['service']}/monitoring",
        MetricData=notification.metrics(report, arguments.stage),
    )
    if report.status == VIOLATION:
        cloud.client("sns").publish(
            TopicArn=stack.topic,
            Subject=notification.subject(report),
            Message=notification.message(report, page, arguments.stage),
        )
        terminal.say("Told", stack.topic)
    return page


def _show(report: Report, known: Baseline | None, truth: GroundTruth) -> None:
    """Say what the report says."""
    if known:
        terminal.say("Baseline", f"{known.images:,} images, {known.origin}")
    if truth.labels or truth.unreadable:
        terminal.say("Labels", _labels(report, truth))
    if report.drifts:
        print(f"\n{notification.table_of(report.drifts)}\n")
    for label, text in notification.lines(report):
        terminal.say(label, text)


def _labels(report: Report, truth: GroundTruth) -> str:
    labelled = report.accuracy.labelled if report.accuracy else 0
    words = f"{load.counted(len(truth.labels), 'label')}, of {labelled:,} of the images"
    if truth.unreadable:
        first = truth.unreadable[0]
        words += (
            f"; {load.counted(len(truth.unreadable), 'line')} unreadable, the first is "
            f"{first.file} line {first.line}: {first.reason}"
        )
    return words


def _span(loaded: Loaded, arguments: argparse.Namespace) -> tuple[datetime | None, datetime | None]:
    """Return the span that was asked for, its open ends those of the images."""
    since, until = arguments.since, arguments.until
    if len(loaded.frame):
        times = loaded.frame["time"]
        since = since or times.min().to_pydatetime()
        until = until or times.max().to_pydatetime() + timedelta(seconds=1)
    return since, until


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
    found: dict[datetime, dict[str, float]] = {}
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=since, EndTime=until
    )
    for page in pages:
        for series in page["MetricDataResults"]:
            for time, value in zip(series["Timestamps"], series["Values"], strict=True):
                found.setdefault(time, {})[series["Id"]] = value / 1000  # it is in microseconds
    return [
        (time, *(values[percentile] for percentile in PERCENTILES))
        for time, values in sorted(found.items())
        if len(values) == len(PERCENTILES)
    ]


def _iso(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON")
