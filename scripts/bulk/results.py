"""The results of a run: gathered from S3, counted, and written to a file."""

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from handlers import batches, outcomes
from handlers.outcomes import FAILED, LABELLED
from scripts.bulk import runs
from service import storage, terminal
from service.keys import RESULTS
from service.stack import Cloud, Stack
from service.terminal import UserError

COLUMNS = (
    *("s3_bucket", "s3_key", "status", "label", "confidence", "inference_id"),
    *("error", "cause", "listed"),
)
SUFFIXES = (".jsonl", ".csv")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # with which a spreadsheet begins to calculate

Write = Callable[[dict], object]


@dataclass
class Counts:
    """Photos, each counted as often as it was listed.

    statuses: {status: photos}; labels: {label: {status: photos}} of the LABELLED; errors: {error:
    photos} and causes: {error: the first cause}; lines: results, one for each line of the manifest.
    """

    statuses: dict[str, int] = field(default_factory=lambda: outcomes.tally(()))
    labels: dict[str, Counter] = field(default_factory=dict)
    errors: Counter = field(default_factory=Counter)
    causes: dict[str, str] = field(default_factory=dict)
    lines: int = 0

    def add(self, result: dict) -> None:
        """Count the result of a photo. Raises KeyError for a status that is not in STATUSES."""
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
    """Call `write` with the result of each photo and return the counts.

    execution: DescribeExecution's answer about a run that has ended. Results have s3_bucket and
    listed always; memory is the same for any number. Raises UserError where a line of the manifest
    has no result, once `write` was called for the others.
    """
    s3 = cloud.client("s3")
    map_run = runs.describe_map_run(cloud.client("stepfunctions"), execution["executionArn"])
    files = _find_result_files(s3, stack.bucket, execution, map_run) if map_run else {}
    if not files:
        raise UserError(
            f"The run {execution['name']} ended {execution['status']}, and there are no results of "
            f"it. {runs.format_failure(execution)}"
        )
    total, counts = map_run["itemCounts"]["total"], Counts()
    results = outcomes.drop_repeats(
        result
        for kind in ("SUCCEEDED", "FAILED")
        for key in files.get(kind, [])
        for result in outcomes.read_results(
            kind, storage.read_object_lines(s3, stack.bucket, key), stack.bucket
        )
    )
    for result in terminal.track(results, "Gather", total, "photos"):
        result["s3_bucket"] = result.get("s3_bucket") or stack.bucket
        result["listed"] = batches.times_listed(result)
        counts.add(result)
        if write is not None:
            write(result)
    if counts.lines != total:
        most = counts.errors.most_common(1)
        often = f" Most that failed did so of {most[0][0]}." if most else ""
        raise UserError(
            f"The run {execution['name']} has no result for {total - counts.lines:,} of "
            f"{total:,} photos.{often} Once that is mended, submit them again."
        )
    return counts


def _find_result_files(s3, bucket: str, execution: dict, map_run: dict) -> dict[str, list[str]]:
    """Return {SUCCEEDED, FAILED or PENDING: keys} of ResultWriter's files; {} if it wrote none."""
    if execution["status"] == "SUCCEEDED":
        key = json.loads(execution["output"])["results"]["s3_key"]
    else:
        # It has no output that names them, but its Map Run's id is in their path.
        map_run_id = map_run["mapRunArn"].rpartition(":")[2]
        key = f"{RESULTS}{execution['name']}/{map_run_id}/manifest.json"
    body = storage.read(s3, bucket, key)
    files = json.loads(body)["ResultFiles"] if body else {}
    return {kind: [file["Key"] for file in files[kind]] for kind in files}


@contextmanager
def open_output(path: Path) -> Iterator[Write]:
    """Yield a function that writes a result; the file appears once all are written.

    In CSV an apostrophe keeps a spreadsheet from calculating a text. Raises UserError.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        # JSON has the same escapes for half a surrogate pair, which UTF-8 cannot express.
        with part.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            if path.suffix == ".csv":
                table = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
                table.writeheader()
                yield lambda each: table.writerow({name: _escape(each[name]) for name in each})
            else:
                yield lambda each: file.write(_to_line(each))
        part.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)


def _to_line(result: dict) -> str:
    fields = {name: result[name] for name in COLUMNS if name in result}
    return json.dumps(fields, ensure_ascii=False) + "\n"


def _escape(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
