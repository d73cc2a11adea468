"""Files in S3 or in a folder: listed by hour as Data Capture leaves them, read by line."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar

from botocore.exceptions import ConnectionError, HTTPClientError

from service import aws_errors, storage
from service.stack import Cloud
from service.terminal import UserError

HOUR_FOLDER = re.compile(r"/(\d{4}/\d\d/\d\d/\d\d)/[^/]*$")
CENTURY = range(2000, 2100)  # pandas and matplotlib have no dates of all years
HOUR = timedelta(hours=1)
# What S3's client raises where a connection breaks; none is an OSError.
BROKEN = (*aws_errors.BROKEN_OFF, HTTPClientError, ConnectionError)
# InvokeEndpoint takes 6 MB, which base64 makes 8: no record is near this.
MAX_LINE_BYTES = 64 * 1024**2

Record = TypeVar("Record")


@dataclass(frozen=True)
class Span:
    """From `since` until just before `until`; None is open."""

    since: datetime | None = None
    until: datetime | None = None

    def __contains__(self, time: datetime) -> bool:
        return not (self.since and time < self.since) and not (self.until and time >= self.until)

    def reaches(self, file: str) -> bool:
        """Return whether a file may hold records of the span, by the hour that its folder names."""
        match = HOUR_FOLDER.search(file)
        if match is None:
            return True
        # An hour more on either side: a file may hold records of the next one.
        first = f"{self.since - HOUR:%Y/%m/%d/%H}" if self.since else match[1]
        last = f"{self.until + HOUR:%Y/%m/%d/%H}" if self.until else match[1]
        return first <= match[1] <= last

    def __str__(self):
        ends = (("from", self.since), ("until", self.until))
        words = [f"{word} {time:%Y-%m-%d %H:%M} UTC" for word, time in ends if time]
        return " ".join(words) or "at any time"


ANY_TIME = Span()


class Unreadable(NamedTuple):
    """A line, from 1, that holds no readable record, and why; line 0 is the whole file."""

    file: str
    line: int
    reason: str

    def __str__(self):
        return f"{self.file}{f' line {self.line}' if self.line else ''}: {self.reason}"


def parse_time(text: str) -> datetime:
    """Return an ISO date, which stands for its midnight, or time, UTC unless it says otherwise.

    ValueError or OverflowError tells that it is none.
    """
    time = datetime.fromisoformat(text)
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    if time.year not in CENTURY:
        raise ValueError(f"{text} is not of this century")
    return time


@cache
def s3_client():
    """Return the S3 client of where the environment points to."""
    return Cloud().client("s3", connections=storage.THREADS)


def read(file: str) -> bytes | None:
    """Return the bytes of a file or an object; None where there is none."""
    if file.startswith("s3://"):
        return storage.read(s3_client(), *storage.split_uri(file))
    return Path(file).read_bytes() if Path(file).is_file() else None


def write(file: str, body: bytes, content_type: str) -> None:
    """Write a file, in a folder that need not exist, or an object."""
    if file.startswith("s3://"):
        bucket, key = storage.split_uri(file)
        s3_client().put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)
    else:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).write_bytes(body)


def list_files(source: str, span: Span = ANY_TIME) -> list[str]:
    """List a file, or the files below a folder or prefix in the span's hours, sorted by name.

    Raises UserError for a path that does not exist.
    """
    path = Path(source)
    if source.startswith("s3://"):
        bucket, prefix = storage.split_uri(source)
        names = [f"s3://{bucket}/{key}" for key in storage.listing(s3_client(), bucket, prefix)]
        if prefix and not prefix.endswith("/"):
            # It may be an object's name, and begins the names of others.
            names = [name for name in names if name == source or name.startswith(f"{source}/")]
    elif path.is_file():
        names = [source]
    elif path.is_dir():
        names = [str(file) for file in path.rglob("[!.]*") if file.is_file()]
    else:
        raise UserError(f"There is no file or folder {source}.")
    return sorted(name for name in names if not name.endswith("/") and span.reaches(name))


def read_records(
    name: str, parse: Callable[[dict], Record | None], unreadable: list[Unreadable]
) -> Iterator[tuple[int, Record]]:
    """Yield each line's number and what `parse` makes of its JSON, unless that is None.

    A line for which it raises an error, and a file that cannot be read, goes to `unreadable`.
    """
    try:
        for number, line in read_lines(name):
            try:
                record = parse(json.loads(line))
            except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
                cut = "" if line.endswith(b"\n") else ": the line is cut off"
                unreadable.append(Unreadable(name, number, f"it is not JSON{cut}"))
            except KeyError as error:
                unreadable.append(Unreadable(name, number, f"it has no {error}"))
            except ValueError as error:
                unreadable.append(Unreadable(name, number, str(error)))
            except (AttributeError, OverflowError, TypeError) as error:
                unreadable.append(Unreadable(name, number, f"it is no such record: {error}"))
            else:
                if record is not None:
                    yield number, record
    except OSError as error:
        unreadable.append(Unreadable(name, 0, error.strerror or str(error)))


def read_lines(name: str) -> Iterator[tuple[int, bytes]]:
    """Yield the numbers, from 1, and the bytes of a file's or an object's lines but blank ones.

    A line above MAX_LINE_BYTES comes in pieces. Raises OSError, also where a download breaks off.
    """
    try:
        if name.startswith("s3://"):
            place = storage.split_uri(name)
            lines = storage.read_object_lines(s3_client(), *place, longest=MAX_LINE_BYTES)
        else:
            lines = storage.read_file_lines(Path(name), MAX_LINE_BYTES)
        for number, line in enumerate(lines, 1):
            if not line.isspace():
                yield number, line
    except BROKEN as error:
        raise OSError(f"its download broke off: {error}") from error
    except UserError as error:
        raise FileNotFoundError("it is gone since it was listed") from error
