"""The images that a source lists: a prefix in S3, a manifest, or a folder on this machine."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from scripts import storage
from scripts.bulk_runs import entries, folder, objects
from scripts.bulk_runs.entries import Entry
from scripts.cli import UserError
from scripts.predict import SUFFIXES

MANIFEST_SUFFIX = ".jsonl"
BUCKET = re.compile(r"[a-z0-9.-]{3,63}")
LONGEST = entries.LINE_BYTES + 1  # enough to tell that a line is too long


def entries_of(s3, own_bucket: str, source: str) -> Iterator[Entry]:
    """Yield the source's images, one at a time. Raises UserError for what is no source."""
    if source.startswith("s3://"):
        bucket, key = storage.split_uri(source)
        if not BUCKET.fullmatch(bucket):
            raise UserError(f"{source} names no bucket: s3://bucket/prefix.")
        if key.endswith(MANIFEST_SUFFIX):
            return checked(source, objects.lines(s3, bucket, key, LONGEST), own_bucket)
        return below(s3, own_bucket, bucket, key)
    path = Path(source)
    if path.is_dir():
        return folder.upload(s3, own_bucket, path)
    if path.suffix != MANIFEST_SUFFIX:
        raise UserError(f"{source} is neither s3://bucket/prefix, a manifest.jsonl nor a folder.")
    if not path.is_file():
        raise UserError(f"There is no file {source}.")
    return checked(source, _lines(path), own_bucket)


def checked(source: str, lines: Iterable[bytes], own_bucket: str) -> Iterator[Entry]:
    """Yield the entries of a manifest; a UserError names the first line that is wrong, and why."""
    for number, line in enumerate(lines, 1):
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if line.strip():
            try:
                yield entries.parse(line, own_bucket)
            except UserError as error:
                raise UserError(f"{source}, line {number}: {error}.") from None


def below(s3, own_bucket: str, bucket: str, prefix: str) -> Iterator[Entry]:
    """Yield the photos whose keys begin with the prefix."""
    shown = "" if bucket == own_bucket else bucket
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            if item["Key"].lower().endswith(SUFFIXES):
                yield Entry(shown, item["Key"])


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from objects.read_lines(file, LONGEST)
