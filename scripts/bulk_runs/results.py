"""The results of a run, gathered from the files that Step Functions wrote, and checked."""

import json
from collections.abc import Callable, Iterator

from tqdm import tqdm

from scripts import storage
from scripts.bulk_runs import failures, objects
from scripts.bulk_runs.counts import Counts, Fingerprint
from scripts.bulk_runs.progress import RUNNING
from scripts.cli import UserError, one_line
from scripts.cloud import Cloud, Stack

PREFIX = "bulk/results/"
MANIFEST = "/manifest.json"
AGAIN = "To classify them: python -m scripts.bulk submit SOURCE --again (same --stage)"


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
        raise UserError(f"The run {name} still goes on: python -m scripts.bulk status --follow")
    s3 = cloud.client("s3")
    files = _result_files(s3, stack.bucket, execution)
    submitted, lines, wanted = _submitted(s3, stack.bucket, execution)
    counts, found = Counts(submitted=submitted), Fingerprint()
    results = _results(s3, stack.bucket, files)
    for result in tqdm(results, "Gather", lines, unit="image", disable=None):
        result["s3_bucket"] = result.get("s3_bucket") or stack.bucket
        result.setdefault("listed", 1)
        found.add(result["s3_bucket"], result["s3_key"], result["listed"])
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


def _submitted(s3, bucket: str, execution: dict) -> tuple[int, int, Fingerprint]:
    """The images submitted, the manifest's lines, and the fingerprint that results must have."""
    source = json.loads(execution["input"])["manifest"]
    submitted, lines, wanted = 0, 0, Fingerprint()
    for line in objects.lines(s3, source["s3_bucket"], source["s3_key"]):
        if line.strip():
            item = json.loads(line)
            listed = item.get("listed", 1)
            wanted.add(item.get("s3_bucket") or bucket, item["s3_key"], listed)
            submitted += listed
            lines += 1
    return submitted, lines, wanted


def _result_files(s3, bucket: str, execution: dict) -> dict[str, list[str]]:
    """{SUCCEEDED, FAILED or PENDING: keys}, which ResultWriter leaves for failed runs as well."""
    prefix = f"{PREFIX}{execution['name']}/"
    manifests = [key for key in storage.listing(s3, bucket, prefix) if key.endswith(MANIFEST)]
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
    yield from _objects(s3, bucket, files.get("SUCCEEDED", []))
    for child in _objects(s3, bucket, files.get("FAILED", [])):
        yield from failures.results(child)


def _never_started(s3, bucket: str, files: dict[str, list[str]]) -> int:
    children = _objects(s3, bucket, files.get("PENDING", []))
    return sum(item.get("listed", 1) for child in children for item in failures.items(child))


def _objects(s3, bucket: str, keys: list[str]) -> Iterator[dict]:
    for key in keys:
        for line in objects.lines(s3, bucket, key):
            yield json.loads(line)


def _difference(name: str, counts: Counts, never_started: int) -> str:
    missing = counts.submitted - counts.ended
    if missing < 0:
        return f"The run {name} has {-missing:,} results more than images were submitted."
    started = f", {never_started:,} of them in batches that never started" * (never_started > 0)
    return (
        f"The run {name} has no result for {missing:,} of {counts.submitted:,} images{started}. "
        f"{AGAIN}"
    )
