"""The results of a run: gathered from S3, checked, counted, and written to a file."""

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from handlers import batches, outcomes
from handlers.outcomes import FAILED, LABELLED
from scripts.bulk import runs
from service import storage, terminal
from service.keys import RESULTS
from service.stack import Cloud, Stack
from service.terminal import UserError, one_line

COLUMNS = (
    "s3_bucket",
    "s3_key",
    "status",
    "label",
    "confidence",
    "inference_id",
    "error",
    "cause",
    "listed",
)
SUFFIXES = (".jsonl", ".csv")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # with which a spreadsheet begins to calculate

Write = Callable[[dict], None]


@dataclass
class Counts:
    """Photos, each counted as often as it was listed.

    statuses: {status: photos}; labels: {label: {status: photos}} of the LABELLED; errors: {error:
    photos} and causes: {error: the first cause}; lines: results, which are as many as there are
    lines in the manifest.
    """

    statuses: dict[str, int] = field(default_factory=lambda: outcomes.tally(()))
    labels: dict[str, Counter] = field(default_factory=dict)
    errors: Counter = field(default_factory=Counter)
    causes: dict[str, str] = field(default_factory=dict)
    lines: int = 0

    def add(self, result: dict) -> None:
        """Count the result of a photo. Raises KeyError for a status that is none."""
        status, listed = result["status"], result["listed"]
        self.lines += 1
        self.statuses[status] += listed
        if status == FAILED:
            self.errors[result["error"]] += listed
            self.causes.setdefault(result["error"], result["cause"])
        elif status in LABELLED:
            self.labels.setdefault(result["label"], Counter())[status] += listed

    @property
    def submitted(self) -> int:
        """All photos."""
        return sum(self.statuses.values())


def gather(cloud: Cloud, stack: Stack, execution: dict, write: Write | None = None) -> Counts:
    """Call `write` with the result of each photo and return what they add up to.

    execution: what DescribeExecution says of a run that has ended. A result is a line of the result
    files, with s3_bucket and listed always, and for a photo of a batch that failed, the batch's
    error and cause. Memory is the same for any number. Raises UserError unless each line of the
    manifest has its result, which shows only after `write` was called for those that there are.
    """
    s3 = cloud.client("s3")
    map_run = runs.describe_map_run(cloud.client("stepfunctions"), execution["executionArn"])
    files = read_result_files(s3, stack.bucket, execution, map_run and map_run["mapRunArn"])
    if map_run is None or not files:
        reason = f"{execution.get('error', '')}: {execution.get('cause', '')}".strip(": ")
        raise UserError(
            f"The run {execution['name']} ended {execution['status']}, and there are no results of "
            f"it. {one_line(reason, 300)}"
        )
    wanted = map_run["itemCounts"]
    counts = Counts()
    results = outcomes.drop_repeats(
        result
        for kind in ("SUCCEEDED", "FAILED")
        for key in files.get(kind, [])
        for result in outcomes.read_results(
            kind, storage.read_object_lines(s3, stack.bucket, key), stack.bucket
        )
    )
    for result in terminal.track(results, "Gather", wanted["total"], "photos"):
        result["s3_bucket"] = result.get("s3_bucket") or stack.bucket
        result["listed"] = batches.times_listed(result)
        counts.add(result)
        if write is not None:
            write(result)
    if counts.lines != wanted["total"]:
        pending = wanted["pending"]
        started = f", {pending:,} of them in batches that never started" if pending else ""
        often = "".join(
            f" Most that failed did so of {e}." for e, _ in counts.errors.most_common(1)
        )
        raise UserError(
            f"The run {execution['name']} has no result for {wanted['total'] - counts.lines:,} of "
            f"{wanted['total']:,} photos{started}.{often} Once that is mended, submit them again."
        )
    return counts


def read_result_files(
    s3, bucket: str, execution: dict, map_run_arn: str | None
) -> dict[str, list[str]]:
    """Return {SUCCEEDED, FAILED or PENDING: keys} of what ResultWriter wrote; {} if nothing.

    An execution that failed has no output; ResultWriter puts its files where its Map Run's id says.
    """
    if execution["status"] == "SUCCEEDED":
        key = json.loads(execution["output"])["results"]["s3_key"]
    elif map_run_arn is not None:
        key = f"{RESULTS}{execution['name']}/{map_run_arn.rsplit(':', 1)[1]}/manifest.json"
    else:
        return {}
    body = storage.read(s3, bucket, key)
    files = json.loads(body)["ResultFiles"] if body else {}
    return {kind: [file["Key"] for file in files[kind]] for kind in files}


@contextmanager
def open_output(path: Path) -> Iterator[Write]:
    """Give a function that writes a result; the file appears once all of them are written.

    In CSV a text that begins as a formula does (=, +, -, @) gets an apostrophe before it, so that
    a spreadsheet shows it and calculates nothing. Raises UserError where it cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        try:
            # JSON has the same escapes for half a surrogate pair, which UTF-8 cannot express.
            with part.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
                yield (_csv if path.suffix == ".csv" else _json_lines)(file)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from error


def _json_lines(file: TextIO) -> Write:
    def write(result: dict) -> None:
        known = {name: result[name] for name in COLUMNS if name in result}
        file.write(json.dumps(known, ensure_ascii=False) + "\n")

    return write


def _csv(file: TextIO) -> Write:
    writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
    writer.writeheader()
    return lambda result: writer.writerow({name: _cell(result[name]) for name in result})


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
