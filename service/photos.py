"""The photos of a source: a file, a folder, an object in S3, or all objects below a prefix.

`s3://bucket/key` is the object with that key if there is one, else the prefix `key/`. Below it a
file is a photo by its name or its first bytes; others are passed over, counted and named.
"""

import mimetypes
import os
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from botocore.exceptions import ClientError

from handlers import aws, errors
from handlers.photo import (
    FORMATS_IN_WORDS,
    HEAD_BYTES,
    NO_PHOTO,
    is_named_as_photo,
    reason_to_refuse,
)
from service import storage, terminal
from service.terminal import FirstFew, UserError

UNREADABLE = {"AccessDenied", "403", "InvalidObjectState"}


class S3Place(NamedTuple):
    """An object, or a prefix, whose key is empty or ends in a slash."""

    bucket: str
    key: str

    @property
    def is_prefix(self) -> bool:
        """Whether this stands for all objects below it."""
        return not self.key or self.key.endswith("/")

    def __str__(self):
        return f"s3://{self.bucket}/{self.key}"


Place = Path | S3Place


def locate(s3, source: str) -> Place:
    """Return the file, folder, object or prefix of a source. UserError if it does not exist."""
    if not source.startswith("s3://"):
        if not os.path.exists(source):
            raise UserError(f"There is no file or folder {source}.")
        return Path(source)
    place = S3Place(*storage.split_uri(source))
    if place.is_prefix or storage.object_exists(s3, *place):
        return place
    below = S3Place(place.bucket, f"{place.key}/")
    if not storage.list_first(s3, *below):
        raise UserError(f"There is no object {place}, and none below {below}.")
    return below


def is_single(place: Place) -> bool:
    """Whether the place is a file or an object, not a folder or a prefix."""
    return not place.is_prefix if isinstance(place, S3Place) else not place.is_dir()


def find_photos(s3, place: Place) -> Iterator[Place]:
    """Yield the photos at a place, in order; warn of what is passed over. UserError if none."""
    if is_single(place):
        yield place
        return
    count = 0
    passed_over: dict[str, FirstFew] = defaultdict(FirstFew)
    pages = _pages(s3, place) if isinstance(place, S3Place) else _folders(place)
    with ThreadPoolExecutor(storage.THREADS) as pool:
        for page in pages:
            unclear = [file for file in page if not _is_named(file)]
            answers = pool.map(lambda file: why_no_photo(s3, file), unclear)
            reasons = dict(zip(unclear, answers, strict=True))
            for file in page:
                if reason := reasons.get(file):
                    passed_over[reason].add(str(file))
                else:
                    count += 1
                    yield file
    for reason, files in passed_over.items():
        terminal.warn(f"Passed over: {files.count:,} of {place} ({reason}): {files}.")
    if not count:
        raise UserError(f"There are no photos ({FORMATS_IN_WORDS}) in {place}.")


def read(s3, photo: Place, max_bytes: int) -> bytes:
    """Return a photo's bytes. A file raises the errors of an object in S3."""
    if isinstance(photo, S3Place):
        return aws.read_object(s3, *photo, max_bytes)
    try:
        size = photo.stat().st_size
        if size > max_bytes:
            raise errors.ImageTooLarge(f"{size} bytes are more than {max_bytes}")
        return photo.read_bytes()
    except FileNotFoundError as error:
        raise errors.ImageNotFound("there is no such file") from error
    except OSError as error:
        raise errors.InvalidInput(f"the file cannot be read: {error.strerror}") from error


def why_no_photo(s3, file: Place) -> str | None:
    """Return why a file or an object is no photo; None if its name or first bytes are a photo's."""
    if _is_named(file):
        return None
    if isinstance(file, Path) and not file.is_file():
        return "not a regular file"
    kind, _ = mimetypes.guess_type(Path(str(file)).name)
    if kind and not kind.startswith("image/"):  # a label beside each photo costs no GET
        return NO_PHOTO
    try:
        head = _head(s3, file)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in UNREADABLE:
            raise
        return f"it cannot be read: {code}"
    return reason_to_refuse(head)


def _is_named(file: Place) -> bool:
    return is_named_as_photo(str(file)) and (isinstance(file, S3Place) or file.is_file())


def _head(s3, file: Place) -> bytes:
    if isinstance(file, S3Place):
        return storage.read_head(s3, *file, HEAD_BYTES)
    with file.open("rb") as opened:
        return opened.read(HEAD_BYTES)


def _pages(s3, prefix: S3Place) -> Iterator[list[Place]]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=prefix.bucket, Prefix=prefix.key)
    for page in pages:
        places = (S3Place(prefix.bucket, item["Key"]) for item in page.get("Contents", []))
        yield [place for place in places if not place.is_prefix]  # "folders" of S3's console


def _folders(folder: Path) -> Iterator[list[Place]]:
    def fail(error: OSError) -> None:
        raise UserError(f"{error.filename} cannot be read: {error.strerror}.") from error

    for parent, folders, names in os.walk(folder, onerror=fail):
        folders.sort()
        yield [Path(parent, name) for name in sorted(names)]
