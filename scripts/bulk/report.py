"""The status and the results of a run, in words."""

import json
from collections.abc import Iterator

from rich.table import Table

from handlers.outcomes import LABELLED
from scripts.bulk.results import Counts
from scripts.bulk.runs import RUNNING, count_ended
from service import options
from service.stack import elapsed_seconds
from service.terminal import duration, format_counts, one_line, table

CAUSE_WIDTH = 60
TOO_MANY_FAILED = "TooManyFailed"  # the state machine's error, whose cause holds the counts


def status_lines(execution: dict, map_run: dict | None, stage: str) -> Iterator[tuple[str, str]]:
    """Yield labels and texts: the run's status, its progress, and the next command."""
    status = execution["status"]
    yield "Run", execution["name"]
    since = "for" if status in RUNNING else "after"
    yield "Status", f"{status}, {since} {duration(elapsed_seconds(execution))}"
    if map_run is not None:
        yield "Progress", _progress(map_run, status in RUNNING)
    if status == "SUCCEEDED":
        yield "Result", _result(json.loads(execution["output"])["counts"])
    elif execution.get("error") == TOO_MANY_FAILED:
        cause = json.loads(execution["cause"])
        yield "Result", _result(cause["counts"])
        tolerated = f"{cause['tolerated_failure_percentage']:g} %"
        yield "Error", f"{TOO_MANY_FAILED}: more than the {tolerated} that are tolerated"
    elif status not in RUNNING:
        yield "Error", execution.get("error", "none given")
        yield "Cause", one_line(execution.get("cause", "none given"), 300)
    yield "Next", next_command(execution["name"], status, stage)


def next_command(name: str, status: str, stage: str) -> str:
    """Return the command to run next, which depends on the run's status."""
    command = "status --follow" if status in RUNNING else "results"
    return f"python -m scripts.bulk {command} {name}{options.stage_hint(stage)}"


def tables(counts: Counts) -> Iterator[Table]:
    """Yield the tables: photos by status, and if there are any, by label and by error."""
    whole = max(counts.submitted, 1)
    rows = [(status, f"{n:,}", f"{n / whole:.1%}") for status, n in counts.statuses.items()]
    foot = [("submitted", f"{counts.submitted:,}", "")]
    yield table(("status", "photos", "share"), rows, right=(1, 2), foot=foot)
    if counts.labels:
        rows = [
            (label, f"{n.total():,}", *(f"{n[status]:,}" for status in LABELLED))
            for label, n in sorted(counts.labels.items(), key=lambda each: -each[1].total())
        ]
        yield table(("label", "photos", *LABELLED), rows, right=(1, 2, 3))
    if counts.errors:
        rows = [
            (error, f"{photos:,}", one_line(counts.causes[error], CAUSE_WIDTH))
            for error, photos in counts.errors.most_common()
        ]
        yield table(("error", "photos", "first cause"), rows, right=(1,))


def _progress(map_run: dict, running: bool) -> str:
    counts, ended, seconds = map_run["itemCounts"], count_ended(map_run), elapsed_seconds(map_run)
    total = counts["total"]
    text = f"{ended / max(total, 1):.0%}, {ended:,} of {total:,} photos"
    if failed := ended - counts["succeeded"]:
        text += f", {failed:,} in batches that failed"
    if ended and seconds:
        text += f", {ended / seconds:,.0f} a second"
        text += f", about {duration(seconds / ended * (total - ended))} left" if running else ""
    return text


def _result(counts: dict) -> str:
    return f"{counts['submitted']:,} submitted: {format_counts(counts)}"
