"""The images that a source lists: a prefix in S3, a manifest, or a folder on this machine."""

import hashlib
import mimetypes
import os
import re
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from handlers.photo import is_named_as_photo
from scripts.bulk import manifest
from scripts.bulk.manifest import KEY_BYTES, Entry
from service import storage
from service.keys import PHOTOS
from service.terminal import UserError

DIGEST_LENGTH = 32
UPLOADS_AT_ONCE = 16

MANIFEST_SUFFIX = ".jsonl"
BUCKET = re.compile(r"[a-z0-9.-]{3,63}")
LONGEST = manifest.LINE_BYTES + 1  # enough to tell that a line is too long


def upload_folder(s3, bucket: str, folder: Path) -> Iterator[Entry]:
    """Upload the folder's photos and yield their entries, by name; what is there is not sent again.

    A key holds the digest of the content and the path within the folder: a photo that changes gets
    another key, and whoever reads the results finds the file.
    """

    def put(path: Path) -> Entry:
        key = key_of(folder, path)
        if not storage.object_exists(s3, bucket, key):
            content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            with path.open("rb") as file:
                s3.put_object(Bucket=bucket, Key=key, Body=file, ContentType=content_type)
        return Entry("", key)

    with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
        ahead = deque()
        try:
            for path in find_photos(folder):
                ahead.append(pool.submit(put, path))
                if len(ahead) > 2 * UPLOADS_AT_ONCE:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def find_photos(folder: Path) -> Iterator[Path]:
    """Yield the photos in a folder and its sub-folders, always in the same order."""
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            if is_named_as_photo(name):
                yield Path(parent, name)


def key_of(folder: Path, path: Path) -> str:
    """Return `bulk/photos/<digest>/<path within the folder>`. Raises UserError where S3 cannot."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:DIGEST_LENGTH]
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    key = f"{PHOTOS}{digest}/{path.relative_to(folder).as_posix()}"
    try:
        length = len(key.encode())
    except UnicodeEncodeError:
        raise UserError(f"The name of {os.fsencode(path)!r} is not UTF-8: rename it.") from None
    if length > KEY_BYTES:
        raise UserError(f"The path {path} is too long for a key in S3: shorten it.")
    return key


def entries_of(s3, own_bucket: str, source: str) -> Iterator[Entry]:
    """Yield the source's images, one at a time. Raises UserError for what is no source."""
    if source.startswith("s3://"):
        bucket, key = storage.split_uri(source)
        if not BUCKET.fullmatch(bucket):
            raise UserError(f"{source} names no bucket: s3://bucket/prefix.")
        if key.endswith(MANIFEST_SUFFIX):
            return checked(source, storage.read_object_lines(s3, bucket, key, LONGEST), own_bucket)
        return below(s3, own_bucket, bucket, key)
    path = Path(source)
    if path.is_dir():
        return upload_folder(s3, own_bucket, path)
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
                yield manifest.parse_entry(line, own_bucket)
            except UserError as error:
                raise UserError(f"{source}, line {number}: {error}.") from None


def below(s3, own_bucket: str, bucket: str, prefix: str) -> Iterator[Entry]:
    """Yield the photos whose keys begin with the prefix."""
    shown = "" if bucket == own_bucket else bucket
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            if is_named_as_photo(item["Key"]):
                yield Entry(shown, item["Key"])


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from storage.read_lines(file, LONGEST)
