"""A run and its results in words, for the terminal."""

import json
from collections.abc import Iterator

from handlers.outcomes import LABELLED, STATUSES
from scripts.bulk import runs
from scripts.bulk.results import Counts
from scripts.bulk.runs import RUNNING, Progress
from service import terminal
from service.terminal import one_line

BAR_WIDTH = 30
CAUSE_WIDTH = 60
TOO_MANY_FAILED = "TooManyFailed"  # the state machine's error, which tells its counts

Lines = Iterator[tuple[str, str]]


def status_lines(execution: dict, progress: Progress | None, stage: str) -> Lines:
    """Yield labels and texts: the run's status, how far it is, and what to do."""
    running = execution["status"] in RUNNING
    yield "Run", execution["name"]
    yield "Status", f"{execution['status']}, {'for' if running else 'after'} {_took(execution)}"
    if progress is not None:
        yield from _progress_lines(progress, running)
    if execution["status"] == "SUCCEEDED":
        yield "Result", _result(json.loads(execution["output"])["counts"])
    elif execution.get("error") == TOO_MANY_FAILED:
        ending = json.loads(execution["cause"])
        yield "Result", _result(ending["counts"])
        tolerated = f"{ending['tolerated_failure_percentage']:g} %"
        yield "Error", f"{TOO_MANY_FAILED}: more than the {tolerated} that are tolerated"
    elif not running:
        yield "Error", execution.get("error", "none given")
        yield "Cause", one_line(execution.get("cause", "none given"), 300)
    yield "Next", next_command(execution["name"], execution["status"], stage)


def report(counts: Counts) -> str:
    """Return the tables: images by status, by label, and by error."""
    tables = [_by_status(counts)]
    if counts.labels:
        tables.append(_by_label(counts))
    if counts.errors:
        tables.append(_by_error(counts))
    return "\n\n".join(tables)


def next_command(name: str, status: str, stage: str) -> str:
    """Return the command that a run of this status leads to."""
    command = "status --follow" if status in RUNNING else "results"
    option = "" if stage == "dev" else f" --stage {stage}"
    return f"python -m scripts.bulk {command} {name}{option}"


def duration(seconds: float) -> str:
    """Return the time as `12 s`, `3 min 05 s` or `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def _progress_lines(progress: Progress, running: bool) -> Lines:
    share = progress.done / progress.total if progress.total else 0.0
    full = int(share * BAR_WIDTH)
    bar = "█" * full + "░" * (BAR_WIDTH - full)
    yield "Progress", f"{bar} {share:.0%}  {progress.done:,} of {progress.total:,} images"
    yield (
        "In batches",
        f"{progress.succeeded:,} succeeded, {progress.failed:,} failed, "
        f"{progress.running:,} running, {progress.pending:,} pending",
    )
    left = progress.seconds_left
    remaining = f", about {duration(left)} left" if running and left is not None else ""
    yield "Rate", f"{progress.rate:,.0f} images a second{remaining}"


def _result(counts: dict) -> str:
    return f"{counts['submitted']:,} submitted: {terminal.format_counts(counts)}"


def _took(execution: dict) -> str:
    return duration(runs.took(execution).total_seconds())


def _by_status(counts: Counts) -> str:
    rows = [
        (status, f"{counts.statuses[status]:,}", _share(counts.statuses[status], counts.submitted))
        for status in STATUSES
    ]
    foot = [("submitted", f"{counts.submitted:,}", "")]
    return terminal.render_table(("status", "images", "share"), rows, right=(1, 2), foot=foot)


def _by_label(counts: Counts) -> str:
    labelled = sum(of.total() for of in counts.labels.values())
    largest_first = sorted(counts.labels.items(), key=lambda item: (-item[1].total(), item[0]))
    rows = [
        (
            label,
            f"{of.total():,}",
            _share(of.total(), labelled),
            *(f"{of[status]:,}" for status in LABELLED),
        )
        for label, of in largest_first
    ]
    header = ("label", "images", "share", *LABELLED)
    return terminal.render_table(header, rows, right=range(1, len(header)))


def _by_error(counts: Counts) -> str:
    rows = [
        (error, f"{images:,}", one_line(counts.causes[error], CAUSE_WIDTH))
        for error, images in counts.errors.most_common()
    ]
    return terminal.render_table(("error", "images", "first cause"), rows, right=(1,))


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else ""
