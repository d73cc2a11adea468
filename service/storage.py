"""Objects in the service's bucket: listed, mirrored in parallel, or moved by way of a file."""

import hashlib
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

from botocore.exceptions import ClientError

from service import terminal
from service.terminal import UserError

THREADS = 16
DELETE_AT_ONCE = 1000  # DeleteObjects takes no more

NOT_FOUND = {"404", "NoSuchKey"}

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Upload:
    """An object to be: `body` is called when its turn comes, so that few are held at a time."""

    key: str
    body: Callable[[], bytes]
    content_type: str


@dataclass(frozen=True)
class Summary:
    """What an upload did: objects and bytes sent, objects found in place, objects removed."""

    sent: int
    sent_bytes: int
    kept: int
    removed: int

    def __add__(self, other: "Summary") -> "Summary":
        return Summary(
            self.sent + other.sent,
            self.sent_bytes + other.sent_bytes,
            self.kept + other.kept,
            self.removed + other.removed,
        )


def split_uri(uri: str) -> tuple[str, str]:
    """Return the bucket and the key of `s3://bucket/key`."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def read(s3, bucket: str, key: str) -> bytes | None:
    """Return the object's bytes, or None where there is no such object."""
    try:
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        return None


def read_head(s3, bucket: str, key: str, size: int) -> bytes:
    """Return the first bytes of an object, at most `size` of them."""
    try:
        wanted = f"bytes=0-{size - 1}"
        return s3.get_object(Bucket=bucket, Key=key, Range=wanted)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] != "InvalidRange":  # which an empty object is answered
            raise
        return b""


def listing(s3, bucket: str, prefix: str) -> dict[str, tuple[int, str]]:
    """Return {key: (size, ETag)} of all objects below the prefix."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {
        item["Key"]: (item["Size"], item["ETag"].strip('"'))
        for page in pages
        for item in page.get("Contents", [])
    }


def mirror(s3, bucket: str, prefix: str, uploads: Iterable[Upload]) -> Summary:
    """Make the objects below the prefix exactly these, sending only those that differ.

    An object is the same when size and MD5 are: S3's ETag is the MD5 of an object put in one
    piece, as all of these are.
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

    sizes = []
    with ThreadPoolExecutor(THREADS) as pool:
        try:
            futures = [pool.submit(put, upload) for upload in uploads]
            done = as_completed(futures)
            for future in terminal.track(done, "Upload", len(futures), "objects"):
                sizes.append(future.result())
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    removed = delete(s3, bucket, sorted(present.keys() - {upload.key for upload in uploads}))
    sent = [size for size in sizes if size is not None]
    return Summary(len(sent), sum(sent), len(sizes) - len(sent), removed)


def map_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int = THREADS
) -> Iterator[Result]:
    """Yield the function's results in the items' order, calling it for a few items at once.

    Takes items only as they are needed, so that any number of them may come.
    """
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


def delete(s3, bucket: str, keys: list[str]) -> int:
    """Delete the objects and return their number."""
    for start in range(0, len(keys), DELETE_AT_ONCE):
        batch = [{"Key": key} for key in keys[start : start + DELETE_AT_ONCE]]
        s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
    return len(keys)


def object_exists(s3, bucket: str, key: str) -> bool:
    """Tell whether there is such an object."""
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] not in NOT_FOUND:
            raise
        return False
    return True


def send_file(s3, file: BinaryIO, bucket: str, key: str) -> bool:
    """Upload a file of JSON lines unless the object is there; return whether it was sent."""
    if object_exists(s3, bucket, key):
        return False
    file.seek(0)
    s3.upload_fileobj(file, bucket, key, ExtraArgs={"ContentType": "application/jsonl"})
    return True


def read_object_lines(s3, bucket: str, key: str, longest: int = -1) -> Iterator[bytes]:
    """Yield an object's lines; of one longer than `longest` bytes, if given, only its beginning.

    Raises UserError where there is no such object.
    """
    with tempfile.TemporaryFile() as file:
        try:
            s3.download_fileobj(bucket, key, file)
        except ClientError as error:
            if error.response["Error"]["Code"] not in NOT_FOUND:
                raise
            raise UserError(f"There is no s3://{bucket}/{key}.") from error
        file.seek(0)
        yield from _lines(file, longest)


def read_file_lines(path: Path, longest: int) -> Iterator[bytes]:
    """Yield the lines of a file on this machine, bounded as in `read_object_lines`."""
    with path.open("rb") as file:
        yield from _lines(file, longest)


def _lines(file: BinaryIO, longest: int) -> Iterator[bytes]:
    return iter(lambda: file.readline(longest), b"")
