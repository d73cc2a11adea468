"""The results of a run: gathered from S3, checked, counted, and written to a file."""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from tqdm import tqdm

from handlers import batches, outcomes
from handlers.outcomes import FAILED, LABELLED, STATUSES
from scripts.bulk.manifest import Entry
from scripts.bulk.runs import RUNNING
from service import storage
from service.keys import RESULTS
from service.stack import Cloud, Stack
from service.terminal import UserError, one_line

MANIFEST = "/manifest.json"
AGAIN = "Once that is mended: python -m scripts.bulk submit SOURCE --again (same --stage)"

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

Write = Callable[[dict], None]


@dataclass
class Fingerprint:
    """Tells a collection of images from another, in whatever order: a sum of their digests."""

    value: int = 0

    def add(self, image: Entry) -> None:
        """Add an image as often as it was listed."""
        place = f"{image.s3_bucket}/{image.s3_key}".encode(errors="replace")
        digest = hashlib.blake2b(place, digest_size=8).digest()
        self.value = (self.value + image.listed * int.from_bytes(digest)) % 2**64


@dataclass
class Counts:
    """Images, each counted as often as it was listed.

    statuses: {status: images}; labels: {label: {status: images}} of the LABELLED; errors: {error:
    images} and causes: {error: the first cause}; lines: results, which are as many as there are
    different images.
    """

    submitted: int = 0
    statuses: Counter = field(default_factory=Counter)
    labels: dict[str, Counter] = field(default_factory=dict)
    errors: Counter = field(default_factory=Counter)
    causes: dict[str, str] = field(default_factory=dict)
    lines: int = 0

    def add(self, result: dict) -> None:
        """Count the result of an image."""
        status, listed = result["status"], result["listed"]
        self.lines += 1
        self.statuses[status] += listed
        if status == FAILED:
            self.errors[result["error"]] += listed
            self.causes.setdefault(result["error"], result["cause"])
        elif status in LABELLED:
            self.labels.setdefault(result["label"], Counter())[status] += listed

    @property
    def ended(self) -> int:
        """Images with a result, whichever."""
        return sum(self.statuses[status] for status in STATUSES)


def gather(
    cloud: Cloud, stack: Stack, execution: dict, write: Callable[[dict], None] | None = None
) -> Counts:
    """Call `write` with the result of each image and return what they add up to.

    execution: what DescribeExecution says. A result is a line of the result files, with s3_bucket
    and listed always, and for an image of a batch that failed, the batch's error and cause. Memory
    is the same for any number. Raises UserError unless there is a result for each image submitted,
    which shows only after `write` was called for those that there are.
    """
    name = execution["name"]
    if execution["status"] in RUNNING:
        raise UserError(
            f"The run {name} still goes on: python -m scripts.bulk status --follow (same --stage)"
        )
    s3 = cloud.client("s3")
    files = _result_files(s3, stack.bucket, execution)
    submitted, lines, wanted = _submitted(s3, stack.bucket, execution)
    counts, found = Counts(submitted=submitted), Fingerprint()
    results = _results(s3, stack.bucket, files)
    for result in tqdm(results, "Gather", lines, unit="image", disable=None):
        image = _image(result, stack.bucket)
        result |= {"s3_bucket": image.s3_bucket, "listed": image.listed}
        found.add(image)
        counts.add(result)
        if write is not None:
            write(result)
    if counts.ended != submitted:
        never = _never_started(s3, stack.bucket, files)
        raise UserError(_difference(name, counts, never))
    if found != wanted:
        raise UserError(
            f"The run {name} has {submitted:,} results, but some are of other images than were "
            f"submitted, or of one twice. {AGAIN}"
        )
    return counts


def files_of(s3, bucket: str, execution: dict) -> list[str]:
    """Return the keys of all that ResultWriter wrote for the run."""
    return list(storage.listing(s3, bucket, f"{RESULTS}{execution['name']}/"))


def _submitted(s3, bucket: str, execution: dict) -> tuple[int, int, Fingerprint]:
    """The images submitted, the manifest's lines, and the fingerprint that results must have."""
    source = json.loads(execution["input"])["manifest"]
    submitted, lines, wanted = 0, 0, Fingerprint()
    for line in storage.read_object_lines(s3, source.get("s3_bucket") or bucket, source["s3_key"]):
        if line.strip():
            image = _image(json.loads(line), bucket)
            wanted.add(image)
            submitted += image.listed
            lines += 1
    return submitted, lines, wanted


def _result_files(s3, bucket: str, execution: dict) -> dict[str, list[str]]:
    """{SUCCEEDED, FAILED or PENDING: keys}, which ResultWriter leaves for failed runs as well."""
    manifests = [key for key in files_of(s3, bucket, execution) if key.endswith(MANIFEST)]
    if not manifests:
        reason = f"{execution.get('error', '')}: {execution.get('cause', '')}".strip(": ")
        raise UserError(
            f"The run {execution['name']} ended {execution['status']} without results. "
            f"{one_line(reason, 300)}"
        )
    body = s3.get_object(Bucket=bucket, Key=manifests[0])["Body"].read()
    files = json.loads(body)["ResultFiles"]
    return {status: [file["Key"] for file in files[status]] for status in files}


def _results(s3, bucket: str, files: dict[str, list[str]]) -> Iterator[dict]:
    return outcomes.once(
        result
        for kind in ("SUCCEEDED", "FAILED")
        for key in files.get(kind, [])
        for result in outcomes.read_results(
            kind, storage.read_object_lines(s3, bucket, key), bucket
        )
    )


def _never_started(s3, bucket: str, files: dict[str, list[str]]) -> int:
    """How many images are in batches that had not begun when the run failed."""
    return sum(
        batches.listed(photo if isinstance(photo, dict) else {})
        for key in files.get("PENDING", [])
        for line in storage.read_object_lines(s3, bucket, key)
        for _, photo in map(batches.index_and_photo, json.loads(json.loads(line)["Input"])["Items"])
    )


def _image(item: Any, own_bucket: str) -> Entry:
    """The image that a manifest's line, or a result, names; of a bad line, what a result tells."""
    known = item if isinstance(item, dict) else {}
    bucket, key = (
        known[name] if isinstance(known.get(name), str) else "" for name in ("s3_bucket", "s3_key")
    )
    return Entry(bucket or own_bucket, key, batches.listed(known))


def _difference(name: str, counts: Counts, never_started: int) -> str:
    missing = counts.submitted - counts.ended
    if missing < 0:
        return f"The run {name} has {-missing:,} results more than images were submitted."
    started = f", {never_started:,} of them in batches that never started" * (never_started > 0)
    often = "".join(f" Most that failed did so of {e}." for e, _ in counts.errors.most_common(1))
    return (
        f"The run {name} has no result for {missing:,} of {counts.submitted:,} images{started}."
        f"{often} {AGAIN}"
    )


@contextmanager
def written(path: Path) -> Iterator[Write]:
    """Give a function that writes a result; the file appears once all of them are written.

    Raises UserError where it cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        try:
            with part.open("w", encoding="utf-8", newline="") as file:
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
    return writer.writerow
