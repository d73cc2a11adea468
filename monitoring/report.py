"""`python -m scripts.monitor report`: captured photos against the baseline, shown and published."""

import dataclasses
import json
import sys
from datetime import datetime, timedelta
from pathlib import Path

import click
import pandas as pd

from monitoring import assessment, baseline, files, load, model_change, publication, table
from monitoring.accuracy import GroundTruth, read_ground_truth
from monitoring.assessment import Photos, Report
from monitoring.baseline import Baseline, Rules
from monitoring.captures import image_reader
from monitoring.files import Span
from monitoring.load import Selection
from service import config, options, terminal


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
    truth = read_ground_truth(truth_place) if truth_place else None
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
    content = dataclasses.asdict(report) | {"provenance": provenance}
    body = json.dumps(content, indent=2, default=datetime.isoformat) + "\n"
    (output / "report.json").write_text(body)
    # matplotlib takes a second to import, which `load` and `baseline` need not wait for.
    from monitoring import page

    html = page.render(
        report,
        frame,
        reference.frame if reference else None,
        image_reader(selection.place),
        [*loaded.unreadable, *(truth.unreadable if truth else [])],
        provenance,
    )
    (output / "report.html").write_text(html, encoding="utf-8")
    terminal.print_line("Report", str(output / "report.html"))
    if not local:
        copy = publication.publish(
            selection.cloud, selection.stack, selection.stage, report, output
        )
        terminal.print_line("Copy", copy)
    sys.exit(assessment.EXIT_CODES[report.status])


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
        first = "".join(
            f", the first is {fault.file} line {fault.line}: {fault.reason}"
            for fault in truth.unreadable[:1]
        )
        unreadable = f"unreadable lines: {len(truth.unreadable):,}{first}"
        terminal.print_line("Labels", f"{len(truth.labels):,}; {unreadable}")
    for name, value, against in report.figures():
        terminal.print_line(name, f"{value} ({against})" if against else value)
    terminal.print_line("Status", report.status)
    for text in report.details():
        terminal.print_line("", text)
