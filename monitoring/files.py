"""Files in S3 or in a folder: listed by hour as Data Capture leaves them, read, written."""

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from service import aws_errors, storage
from service.stack import Cloud
from service.terminal import UserError

# From the month on: a year alone might as well be the name of a variant.
FOLDER_TIME = re.compile(r"/(\d{4}/\d\d(?:/\d\d(?:/\d\d)?)?)/$")
DAY = re.compile(r"/\d{4}/\d\d/\d\d/(?:\d\d/)?$")
HOUR = timedelta(hours=1)

CONNECTIONS = 8
# What S3's client raises where a connection breaks; none is an OSError.
BROKEN = (*aws_errors.BROKEN_OFF, HTTPClientError, ConnectionError)
BYTES_IN_MEMORY = 16 * 1024**2  # of an object; a larger one goes through a temporary file

# InvokeEndpoint takes 6 MB, which base64 makes 8: no record is near this.
MAX_LINE_BYTES = 64 * 1024**2
GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Span:
    """From `since` until just before `until`; None is open."""

    since: datetime | None = None
    until: datetime | None = None

    def __contains__(self, time: datetime) -> bool:
        return (self.since is None or self.since <= time) and (
            self.until is None or time < self.until
        )

    def reaches(self, folder: str) -> bool:
        """Whether a folder may hold records of the span, by the month, day or hour in its name.

        An hour more on either side counts: a file may hold records of the next hour.
        """
        named = FOLDER_TIME.search(folder)
        if named is None:
            return True
        time = named[1]
        first = f"{self.since - HOUR:%Y/%m/%d/%H}" if self.since else ""
        last = f"{self.until + HOUR:%Y/%m/%d/%H}" if self.until else time
        return first[: len(time)] <= time <= last[: len(time)]

    def __str__(self):
        if self.since is None and self.until is None:
            return "at any time"
        words = (("since", self.since), ("until", self.until))
        return " ".join(f"{word} {time:%Y-%m-%d %H:%M} UTC" for word, time in words if time)


ANY_TIME = Span()


@dataclass(frozen=True, order=True)
class File:
    """A file: its path or `s3://bucket/key`, and its bytes as they lie there."""

    name: str
    size: int


def connect(place: str, cloud: Cloud | None = None):
    """Return an S3 client for a place in S3, None for one in a folder."""
    if not place.startswith("s3://"):
        return None
    return (cloud or Cloud()).client("s3", connections=CONNECTIONS)


def list_files(source: str, span: Span, s3) -> list[File]:
    """List a file, or the files below a folder or prefix in the span's hours, sorted by name.

    Raises UserError for a path that does not exist, OSError for a folder that cannot be read.
    """
    if source.startswith("s3://"):
        return sorted(_list_objects(s3, *storage.split_uri(source), span))
    path = Path(source)
    if path.is_file():
        return [File(source, path.stat().st_size)]
    if not path.is_dir():
        raise UserError(f"There is no file or folder {source}.")
    return sorted(_walk(path, span))


def _walk(folder: Path, span: Span) -> Iterator[File]:
    for path in folder.iterdir():
        if path.is_dir():
            if span.reaches(f"{path.absolute()}/"):
                yield from _walk(path, span)
        elif not path.name.startswith("."):
            yield File(str(path), path.stat().st_size)


def _list_objects(s3, bucket: str, prefix: str, span: Span) -> Iterator[File]:
    # Without its slash a prefix may be an object's name, and begins the names of others.
    is_folder = not prefix or prefix.endswith("/")
    # A day is listed at once: an answer holds 1,000 names, an hour has few.
    at_once = is_folder and (span == ANY_TIME or DAY.search(f"/{prefix}"))
    request = {"Bucket": bucket, "Prefix": prefix} | ({} if at_once else {"Delimiter": "/"})
    for page in s3.get_paginator("list_objects_v2").paginate(**request):
        for item in page.get("Contents", []):
            key, (folder, _, name) = item["Key"], item["Key"].rpartition("/")
            if name and span.reaches(f"/{folder}/") and (is_folder or key == prefix):
                yield File(f"s3://{bucket}/{key}", item["Size"])
        for item in page.get("CommonPrefixes", []):
            below = item["Prefix"]
            if span.reaches(f"/{below}") and (is_folder or below == f"{prefix}/"):
                yield from _list_objects(s3, bucket, below, span)


def open_file(name: str, s3) -> BinaryIO:
    """Open a file, or a copy of an object. Raises OSError, also where a connection breaks."""
    if not name.startswith("s3://"):
        return Path(name).open("rb")
    bucket, key = storage.split_uri(name)
    copy = SpooledTemporaryFile(BYTES_IN_MEMORY)  # noqa: SIM115 - the caller closes it
    try:
        s3.download_fileobj(bucket, key, copy)  # which asks again for what breaks off
    except BROKEN as error:
        raise OSError(f"its download broke off: {error}") from error
    except ClientError as error:
        if error.response["Error"]["Code"] in storage.NOT_FOUND:
            raise FileNotFoundError("it is gone since it was listed") from error
        raise
    copy.seek(0)
    return copy


def read_lines(file: BinaryIO) -> Iterator[tuple[int, bytes, str]]:
    """Yield each line's number, from 1, its bytes, and what is wrong with it ("" if nothing).

    Blank lines are passed over. A line above MAX_LINE_BYTES is never held, nor is what a broken
    gzip stream would still have held.
    """
    number = 0
    try:
        packed = file.read(len(GZIP)) == GZIP
        file.seek(0)
        stream = gzip.GzipFile(fileobj=file, mode="rb") if packed else file
        while line := stream.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES:
                while line and not line.endswith(b"\n"):
                    line = stream.readline(MAX_LINE_BYTES)
                yield number, b"", f"the line has more than {MAX_LINE_BYTES:,} bytes"
            elif not line.isspace():
                yield number, line, ""
    except (EOFError, OSError, zlib.error) as error:
        yield number + 1, b"", f"the file cannot be read on: {error}"


def write_file(s3, place: str, name: str, body: bytes, content_type: str) -> str:
    """Write a file below a place and return where it lies."""
    if place.startswith("s3://"):
        uri = f"{place.rstrip('/')}/{name}"
        bucket, key = storage.split_uri(uri)
        s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)
        return uri
    path = Path(place) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return str(path)


def read_file(s3, place: str, name: str) -> bytes | None:
    """Return the bytes of a file below a place, or None where it is not there."""
    if place.startswith("s3://"):
        return storage.read(s3, *storage.split_uri(f"{place.rstrip('/')}/{name}"))
    path = Path(place) / name
    return path.read_bytes() if path.is_file() else None
