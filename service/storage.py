"""Objects in S3: read them, list them, put many at once; lines of files and objects."""

import hashlib
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

from botocore.exceptions import ClientError

from service import terminal
from service.aws_errors import call_unless_refused, is_refusal
from service.terminal import UserError

THREADS = 16
DELETE_AT_ONCE = 1000  # DeleteObjects takes no more
NOT_FOUND = ("404", "NoSuchKey")

Item = TypeVar("Item")
Result = TypeVar("Result")


class Upload(NamedTuple):
    """An object to put. `body` is called when its turn comes, so that few bodies are in memory."""

    key: str
    body: Callable[[], bytes]
    content_type: str


class Summary(NamedTuple):
    """Counts of an upload: objects and bytes sent, objects found in place, objects removed."""

    sent: int
    sent_bytes: int
    kept: int
    removed: int


def split_uri(uri: str) -> tuple[str, str]:
    """Return the bucket and the key of `s3://bucket/key`."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def read(s3, bucket: str, key: str) -> bytes | None:
    """Return the object's bytes; None if there is no such object."""
    answer = call_unless_refused(NOT_FOUND, s3.get_object, Bucket=bucket, Key=key)
    return answer and answer["Body"].read()


def read_head(s3, bucket: str, key: str, size: int) -> bytes:
    """Return the first bytes of an object, at most `size` of them."""
    place = {"Bucket": bucket, "Key": key, "Range": f"bytes=0-{size - 1}"}
    answer = call_unless_refused(("InvalidRange",), s3.get_object, **place)  # of an empty object
    return answer["Body"].read() if answer else b""


def list_first(s3, bucket: str, prefix: str) -> list[dict]:
    """Return what S3 says of the first object below the prefix; nothing where there is none."""
    return s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("Contents", [])


def listing(s3, bucket: str, prefix: str) -> dict[str, tuple[int, str]]:
    """Return {key: (size, ETag)} of all objects below the prefix."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {
        item["Key"]: (item["Size"], item["ETag"].strip('"'))
        for page in pages
        for item in page.get("Contents", [])
    }


def mirror(
    s3, bucket: str, prefix: str, uploads: Iterable[Upload], spared: str | None = None
) -> Summary:
    """Make the objects below the prefix exactly these, sending only those that differ.

    Objects are equal if size and MD5 are: S3's ETag is the MD5 of an object that was put in one
    piece, as these are. The object `spared` is left as it is.
    """
    uploads = list(uploads)
    present = listing(s3, bucket, prefix)

    def put(upload: Upload) -> int | None:
        body = upload.body()
        digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
        if present.get(upload.key) == (len(body), digest):
            return None
        s3.put_object(Bucket=bucket, Key=upload.key, Body=body, ContentType=upload.content_type)
        return len(body)

    sizes = list(terminal.track(map_ahead(put, uploads), "Upload", len(uploads), "objects"))
    outdated = sorted(present.keys() - {upload.key for upload in uploads} - {spared})
    for start in range(0, len(outdated), DELETE_AT_ONCE):
        keys = [{"Key": key} for key in outdated[start : start + DELETE_AT_ONCE]]
        s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
    sent = [size for size in sizes if size is not None]
    return Summary(len(sent), sum(sent), len(sizes) - len(sent), len(outdated))


def map_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int = THREADS
) -> Iterator[Result]:
    """Yield results in the order of the items, which may be any number; `threads` run at once."""
    ahead: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                ahead.append(pool.submit(function, item))
                if len(ahead) > 2 * threads:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def object_exists(s3, bucket: str, key: str) -> bool:
    """Whether the object exists."""
    return call_unless_refused(NOT_FOUND, s3.head_object, Bucket=bucket, Key=key) is not None


def read_object_lines(s3, bucket: str, key: str, longest: int = -1) -> Iterator[bytes]:
    """Yield an object's lines, in pieces of at most `longest` bytes. UserError if it is missing."""
    with tempfile.TemporaryFile() as file:
        try:
            s3.download_fileobj(bucket, key, file)
        except ClientError as error:
            if not is_refusal(error, NOT_FOUND):
                raise
            raise UserError(f"There is no s3://{bucket}/{key}.") from error
        file.seek(0)
        yield from _lines(file, longest)


def read_file_lines(path: Path, longest: int = -1) -> Iterator[bytes]:
    """Yield the lines of a file on this machine, in pieces of at most `longest` bytes."""
    with path.open("rb") as file:
        yield from _lines(file, longest)


def _lines(file: BinaryIO, longest: int) -> Iterator[bytes]:
    return iter(lambda: file.readline(longest), b"")
