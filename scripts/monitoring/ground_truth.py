"""Ground truth: the true class of captured images, as Model Monitor's users keep it in S3.

JSON lines such as `{"groundTruthData": {"data": "bicycle", "encoding": "CSV"}, "eventMetadata":
{"eventId": "..."}, "eventVersion": "0"}`, where eventId is the image's id: its inference id, or its
event id where it was sent without one.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from botocore.exceptions import ClientError

from scripts import storage
from scripts.cli import UserError


@dataclass(frozen=True)
class BadLine:
    """A line that holds no label; lines count from 1."""

    file: str
    line: int
    reason: str


@dataclass
class GroundTruth:
    """The true class by image id. Of several labels for an image the last one holds."""

    labels: dict[str, str] = field(default_factory=dict)
    unreadable: list[BadLine] = field(default_factory=list)


def read(s3, source: str) -> GroundTruth:
    """Read a file, a folder's .jsonl files, an object, or those below an S3 prefix ending in `/`.

    Raises UserError where nothing is there.
    """
    result = GroundTruth()
    files = 0
    for file, body in _bodies(s3, source):
        files += 1
        for number, line in enumerate(body.split(b"\n"), 1):
            if not line.strip():
                continue
            try:
                image_id, label = parse(line)
            except ValueError as error:
                result.unreadable.append(BadLine(file, number, str(error)))
            else:
                result.labels[image_id] = label
    if not files:
        raise UserError(f"There is no ground truth (.jsonl) at {source}.")
    return result


def parse(line: bytes) -> tuple[str, str]:
    """Return the image id and the label of one line. ValueError says what is wrong with it."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    label = _member(_member(record, "groundTruthData"), "data")
    encoding = _member(_member(record, "groundTruthData"), "encoding")
    image_id = _member(_member(record, "eventMetadata"), "eventId")
    if not isinstance(image_id, str) or not image_id:
        raise ValueError("no eventMetadata.eventId")
    if not isinstance(label, str) or not label.strip():
        raise ValueError("no label in groundTruthData.data")
    if encoding != "CSV":
        raise ValueError(f"groundTruthData.encoding is {encoding!r}, not 'CSV'")
    label = label.strip()
    if "," in label or "\n" in label:
        raise ValueError("groundTruthData.data holds more than one value")
    return image_id, label


def _bodies(s3, source: str) -> Iterator[tuple[str, bytes]]:
    if not source.startswith("s3://"):
        path = Path(source)
        files = sorted(path.rglob("*.jsonl")) if path.is_dir() else [path]
        for file in files:
            if file.is_file():
                yield str(file), file.read_bytes()
        return
    bucket, key = storage.split_uri(source)
    keys = [key]
    if not key or key.endswith("/"):
        keys = [key for key in sorted(storage.listing(s3, bucket, key)) if key.endswith(".jsonl")]
    for key in keys:
        try:
            body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            continue
        yield f"s3://{bucket}/{key}", body


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None
