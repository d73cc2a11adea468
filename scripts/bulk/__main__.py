"""Classify any number of photos in one run of `classifyBulk`: start it, watch it, gather it."""

import json
from collections.abc import Iterator
from contextlib import nullcontext

import click
from rich.table import Table

from handlers.outcomes import LABELLED
from scripts.bulk import results, runs
from scripts.bulk.results import Counts
from service import options, terminal
from service.stack import Cloud, elapsed_seconds, find_stack
from service.terminal import UserError, duration, format_counts, one_line

LARGEST_BATCH = 200  # CheckRun in classify-bulk.asl.yml takes no more
CAUSE_WIDTH = 60
TOO_MANY_FAILED = "TooManyFailed"  # the state machine's error, whose cause holds the counts
run_argument = click.argument("run", required=False)


@terminal.group("bulk")
def main():
    """Classify any number of photos in one run."""


@main.command("submit", example="s3://bucket/photos/ --wait")
@options.stage
@click.argument("source", type=options.parse_place)
@click.option(
    "--threshold",
    type=options.Number(0, 1),
    help="confidence below which a photo goes to review (default: config.yml's)",
)
@click.option(
    "--batch-size",
    type=click.IntRange(1, LARGEST_BATCH),
    help="photos that a function does at once (default: config.yml's)",
)
@click.option(
    "--tolerated-failure-percentage",
    type=options.Number(0, 100),
    help="percentage of the photos that may fail before the run does (default: config.yml's)",
)
@click.option(
    "--keep-duplicates", is_flag=True, help="classify a photo as often as it is listed, not once"
)
@click.option("--wait", is_flag=True, help="wait until the run ends")
def submit(stage, source, keep_duplicates, wait, **settings):
    """Start a run over photos.

    SOURCE is a folder or a photo, here or in S3 (s3://bucket/photos/), or a manifest.jsonl: for
    each photo a line {"s3_key": "photos/4711.jpg"}, with s3_bucket where it is another.
    """
    cloud = Cloud()
    stack = find_stack(cloud, stage)
    run = runs.submit(cloud, stack, source, keep_duplicates, **settings)
    manifest = run.manifest
    terminal.print_line("Photos", f"{manifest.submitted:,} listed, {manifest.lines:,} to classify")
    terminal.print_line("Manifest", f"s3://{stack.bucket}/{manifest.key}")
    terminal.print_line("Run", f"{run.name} is started")
    if not manifest.sent:
        terminal.print_line("", "The same photos were submitted before: this is another run")
    if run.running:
        terminal.warn(f"{run.running} is still running over the same photos.")
    if wait:
        states = cloud.client("stepfunctions")
        execution = runs.wait(states, run.execution_arn)
        _show(states, execution, stage)
        if execution["status"] != "SUCCEEDED":
            raise UserError(f"The run {run.name} ended {execution['status']}, see above.")
    else:
        terminal.print_line("Next", next_command(run.name, stage))


@main.command("status", example="bulk-20261123-093000-1a2b3c")
@options.stage
@run_argument
def status(stage, run):
    """Show how far a run is, or how it ended.

    RUN is its name or ARN; without it the newest is taken.
    """
    cloud = Cloud()
    stack, states = find_stack(cloud, stage), cloud.client("stepfunctions")
    _show(states, runs.find(states, stack.bulk_state_machine, run), stage)


@main.command("results", example="--output results.csv")
@options.stage
@run_argument
@click.option(
    "--output",
    type=options.OutputFile(*results.SUFFIXES),
    help="results.jsonl or results.csv: a line for each photo",
)
def gather(stage, run, output):
    """Count the results of a run once it has ended, and write them to a file.

    RUN is its name or ARN; without it the newest is taken. In CSV, a text that begins with =, +, -
    or @ has an apostrophe before it: a spreadsheet would calculate it.
    """
    cloud = Cloud()
    stack = find_stack(cloud, stage)
    states = cloud.client("stepfunctions")
    execution = runs.find(states, stack.bulk_state_machine, run)
    if execution["status"] in runs.RUNNING:
        execution = runs.wait(states, execution["executionArn"])
    with nullcontext() if output is None else results.open_output(output) as write:
        counts = results.gather(cloud, stack, execution, write)
    terminal.print_line("Run", f"{execution['name']}, {execution['status']}")
    for table in tables(counts):
        print()
        terminal.show(table)
    if output is not None:
        print()
        terminal.print_line("Written", f"{output}, {counts.lines:,} photos")


def _show(states, execution: dict, stage: str) -> None:
    map_run = runs.describe_map_run(states, execution["executionArn"])
    for label, text in status_lines(execution, map_run, stage):
        terminal.print_line(label, text)


def status_lines(execution: dict, map_run: dict | None, stage: str) -> Iterator[tuple[str, str]]:
    """Yield labels and texts: the run's status, its progress, and the next command."""
    status = execution["status"]
    yield "Run", execution["name"]
    since = "for" if status in runs.RUNNING else "after"
    yield "Status", f"{status}, {since} {duration(elapsed_seconds(execution))}"
    if map_run is not None:
        yield "Progress", _progress(map_run, status in runs.RUNNING)
    if status == "SUCCEEDED":
        yield "Result", _result(json.loads(execution["output"])["counts"])
    elif execution.get("error") == TOO_MANY_FAILED:
        cause = json.loads(execution["cause"])
        yield "Result", _result(cause["counts"])
        tolerated = f"{cause['tolerated_failure_percentage']:g} %"
        yield "Error", f"{TOO_MANY_FAILED}: more than the {tolerated} that are tolerated"
    elif status not in runs.RUNNING:
        yield "Error", runs.format_failure(execution) or "none given"
    yield "Next", next_command(execution["name"], stage)


def next_command(name: str, stage: str) -> str:
    """Return the command that waits for the run's end and gathers its results."""
    return f"python -m scripts.bulk results {name}{options.stage_hint(stage)}"


def tables(counts: Counts) -> Iterator[Table]:
    """Yield the tables: photos by status, and if there are any, by label and by error."""
    whole = max(counts.submitted, 1)
    rows = [(status, f"{n:,}", f"{n / whole:.1%}") for status, n in counts.statuses.items()]
    foot = [("submitted", f"{counts.submitted:,}", "")]
    yield terminal.table(("status", "photos", "share"), rows, right=(1, 2), foot=foot)
    if counts.labels:
        rows = [
            (label, f"{n.total():,}", *(f"{n[status]:,}" for status in LABELLED))
            for label, n in sorted(counts.labels.items(), key=lambda each: -each[1].total())
        ]
        yield terminal.table(("label", "photos", *LABELLED), rows, right=(1, 2, 3))
    if counts.errors:
        rows = [
            (error, f"{photos:,}", one_line(counts.causes[error], CAUSE_WIDTH))
            for error, photos in counts.errors.most_common()
        ]
        yield terminal.table(("error", "photos", "first cause"), rows, right=(1,))


def _progress(map_run: dict, running: bool) -> str:
    counts, seconds = map_run["itemCounts"], elapsed_seconds(map_run)
    ended, total = runs.count_ended(map_run), counts["total"]
    text = f"{ended / max(total, 1):.0%}, {ended:,} of {total:,} photos"
    if failed := ended - counts["succeeded"]:
        text += f", {failed:,} in batches that failed"
    if ended and seconds:
        text += f", {ended / seconds:,.0f} a second"
        text += f", about {duration(seconds / ended * (total - ended))} left" if running else ""
    return text


def _result(counts: dict) -> str:
    return f"{counts['submitted']:,} submitted: {format_counts(counts)}"


if __name__ == "__main__":
    terminal.run(main)
