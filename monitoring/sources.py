"""Files, in S3 or in a folder: captures by hour as Data Capture leaves them, line by line."""

import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError, IncompleteReadError
from urllib3.exceptions import HTTPError

from monitoring.span import Span
from service import storage
from service.stack import Cloud
from service.storage import split_uri
from service.terminal import UserError

# From the month on: a year alone might as well be the name of a variant.
DATED = re.compile(r"(?:^|/)(\d{4})/(\d\d)(?:/(\d\d)(?:/(\d\d))?)?/$")
CONNECTIONS = 8
BREAKS = 3  # of an object's connection, after which it counts as unreadable
# What botocore raises where a connection is cut or reset, or leaves urllib3's; none is an OSError.
BROKEN = (ConnectionError, HTTPClientError, IncompleteReadError, HTTPError)

# InvokeEndpoint takes 6 MB, which base64 makes 8: no record is near this.
MAX_LINE_BYTES = 64 * 1024**2
GZIP = b"\x1f\x8b"


def client(cloud: Cloud | None, place: str):
    """Return the S3 client that `put` and `get` take for the place, None for a folder."""
    return (cloud or Cloud()).client("s3") if place.startswith("s3://") else None


def put_file(s3, place: str, name: str, body: bytes, content_type: str) -> str:
    """Write a file and return where it lies."""
    if place.startswith("s3://"):
        uri = f"{place.rstrip('/')}/{name}"
        bucket, key = storage.split_uri(uri)
        s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)
        return uri
    path = Path(place) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return str(path)


def get_file(s3, place: str, name: str) -> bytes | None:
    """Return a file's bytes, or None where it is not there."""
    if not place.startswith("s3://"):
        path = Path(place) / name
        return path.read_bytes() if path.is_file() else None
    return storage.read(s3, *storage.split_uri(f"{place.rstrip('/')}/{name}"))


@dataclass(frozen=True, order=True)
class File:
    """A file of captures: its S3 key or path, and its bytes as they lie there."""

    name: str
    size: int


@dataclass(frozen=True)
class Folder:
    """Captures below a folder, or one file of them."""

    path: Path

    def files(self, span: Span) -> list[File]:
        """List the files in the span's folders, sorted. UserError where the path does not exist."""
        if self.path.is_file():
            return [File(str(self.path), self.path.stat().st_size)]
        if not self.path.is_dir():
            raise UserError(f"There is no folder {self.path}.")
        return sorted(self._walk(self.path, span))

    def _walk(self, folder: Path, span: Span) -> Iterator[File]:
        for path in folder.iterdir():
            if path.is_dir():
                if relation(f"{path.resolve().as_posix()}/", span) != "outside":
                    yield from self._walk(path, span)
            elif not path.name.startswith("."):
                yield File(str(path), path.stat().st_size)

    def opener(self) -> Callable[[str], BinaryIO]:
        """Return what opens files; it raises OSError."""
        return lambda name: Path(name).open("rb")

    def __str__(self):
        return str(self.path)


def _connect() -> Any:
    return Cloud().client("s3", connections=CONNECTIONS)


class _Object(io.RawIOBase):
    """An object's bytes as a file. botocore's own closes itself at the end, as files do not.

    Where the connection breaks it asks for the rest, and raises OSError once that broke too often.
    """

    def __init__(self, get: Callable[..., dict]):
        self._get = get
        answer = get()
        self._body, self._etag = answer["Body"], answer.get("ETag")
        self._size = answer.get("ContentLength")
        self._read = self._breaks = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        while True:
            try:
                chunk = self._rest().read(len(buffer))
            except BROKEN as error:
                self._close_body()
                self._breaks += 1
                if self._breaks == BREAKS:
                    raise OSError(f"its connection broke {BREAKS} times: {error}") from error
            except ClientError as error:
                raise OSError(f"its connection broke, and then {error}") from error
            else:
                break
        buffer[: len(chunk)] = chunk
        self._read += len(chunk)
        return len(chunk)

    def _rest(self) -> Any:
        if self._body is None and self._read == self._size:
            self._body = io.BytesIO()  # S3 refuses a range that begins at the end
        if self._body is None:
            same = {"IfMatch": self._etag} if self._etag else {}
            self._body = self._get(Range=f"bytes={self._read}-", **same)["Body"]
        return self._body

    def _close_body(self) -> None:
        if self._body is not None:
            self._body.close()
        self._body = None

    def close(self) -> None:
        self._close_body()
        super().close()


@dataclass(frozen=True)
class Bucket:
    """Captures below a prefix of a bucket, or one object of them.

    `connect` makes an S3 client; a client cannot be sent to another process, its maker can.
    """

    bucket: str
    prefix: str
    connect: Callable[[], Any] = _connect

    def files(self, span: Span) -> list[File]:
        """List the objects in the span's folders, sorted."""
        s3 = self.connect()
        if not self.prefix or self.prefix.endswith("/"):
            return sorted(self._walk(s3, self.prefix, span))
        # Without its slash the name may be an object's, and begins the names of others.
        found, folders = self._list(s3, self.prefix, "/")
        files = [file for file in found if file.name == self.prefix]
        if f"{self.prefix}/" in folders:
            files.extend(self._walk(s3, f"{self.prefix}/", span))
        return sorted(files)

    def _walk(self, s3: Any, prefix: str, span: Span) -> Iterator[File]:
        where = relation(prefix, span)
        if where == "outside":
            return
        # All that lies in the span is listed flat: an answer holds 1,000 names, an hour has few.
        flat = where == "inside" or span == Span()
        files, folders = self._list(s3, prefix, "" if flat else "/")
        yield from files
        for folder in folders:
            yield from self._walk(s3, folder, span)

    def _list(self, s3: Any, prefix: str, delimiter: str) -> tuple[list[File], list[str]]:
        """List objects and folders right below the prefix; without delimiter all objects."""
        request = {"Bucket": self.bucket, "Prefix": prefix}
        if delimiter:
            request["Delimiter"] = delimiter
        files, folders = [], []
        for page in s3.get_paginator("list_objects_v2").paginate(**request):
            # A console's "folder" is an empty object.
            found = (item for item in page.get("Contents", []) if not item["Key"].endswith("/"))
            files.extend(File(item["Key"], item["Size"]) for item in found)
            folders.extend(item["Prefix"] for item in page.get("CommonPrefixes", []))
        return files, folders

    def opener(self) -> Callable[[str], BinaryIO]:
        """Return what opens objects, in any number of threads; it and they raise OSError."""
        s3 = self.connect()

        def open_object(key: str) -> BinaryIO:
            try:
                return _Object(partial(s3.get_object, Bucket=self.bucket, Key=key))
            except ClientError as error:
                if error.response["Error"]["Code"] == "NoSuchKey":
                    raise FileNotFoundError("it is gone since it was listed") from error
                raise
            except BROKEN as error:  # the client has tried again already
                raise OSError(f"its connection broke: {error}") from error

        return open_object

    def __str__(self):
        return f"s3://{self.bucket}/{self.prefix}"


def source_of(text: str) -> Bucket | Folder:
    """The source that a person names: `s3://bucket/prefix`, a folder or a file."""
    return Bucket(*split_uri(text)) if text.startswith("s3://") else Folder(Path(text))


def relation(folder: str, span: Span) -> str:
    """Whether what a month's, day's or hour's folder holds is `inside` the span, `outside` or else.

    `else` are folders that hold more than the span, and those that are of no time.
    """
    found = DATED.search(folder)
    if not found:
        return "else"
    year, month, day, hour = (int(part) if part else None for part in found.groups())
    try:
        begin = datetime(year, month, day or 1, hour or 0, tzinfo=UTC)
        if hour is not None:
            end = begin + timedelta(hours=1)
        elif day is not None:
            end = begin + timedelta(days=1)
        else:
            end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        return "else"
    if not span.touches(begin, end):
        return "outside"
    return "inside" if span.covers(begin, end) else "else"


def read_lines(file: BinaryIO) -> Iterator[tuple[int, bytes, str]]:
    """Yield each line's number, from 1, its bytes, and what is wrong with it ("" if nothing).

    Blank lines are passed over. A line above MAX_LINE_BYTES is never held, nor is what a broken
    gzip stream would still have held.
    """
    stream: BinaryIO = io.BufferedReader(file, 1024**2)
    number = 0
    try:
        if stream.peek(len(GZIP)).startswith(GZIP):
            stream = gzip.GzipFile(fileobj=stream)
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
