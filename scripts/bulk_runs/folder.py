"""The photos of a folder on this machine, put below `bulk/photos/` in the service's bucket."""

import hashlib
import mimetypes
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scripts.bulk_runs import objects
from scripts.bulk_runs.entries import KEY_BYTES, Entry
from scripts.cli import UserError
from scripts.predict import SUFFIXES

PREFIX = "bulk/photos/"
DIGEST_LENGTH = 32
THREADS = 16


def upload(s3, bucket: str, folder: Path) -> Iterator[Entry]:
    """Upload the folder's photos and yield their entries, by name; what is there is not sent again.

    A key holds the digest of the content and the path within the folder: a photo that changes gets
    another key, and whoever reads the results finds the file.
    """

    def put(path: Path) -> Entry:
        key = key_of(folder, path)
        if not objects.exists(s3, bucket, key):
            content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            with path.open("rb") as file:
                s3.put_object(Bucket=bucket, Key=key, Body=file, ContentType=content_type)
        return Entry("", key)

    with ThreadPoolExecutor(THREADS) as pool:
        ahead = deque()
        try:
            for path in photos(folder):
                ahead.append(pool.submit(put, path))
                if len(ahead) > 2 * THREADS:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def photos(folder: Path) -> Iterator[Path]:
    """Yield the photos in a folder and its sub-folders, always in the same order."""
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            if name.lower().endswith(SUFFIXES):
                yield Path(parent, name)


def key_of(folder: Path, path: Path) -> str:
    """Return `bulk/photos/<digest>/<path within the folder>`. Raises UserError where S3 cannot."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:DIGEST_LENGTH]
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    key = f"{PREFIX}{digest}/{path.relative_to(folder).as_posix()}"
    try:
        length = len(key.encode())
    except UnicodeEncodeError:
        raise UserError(f"The name of {os.fsencode(path)!r} is not UTF-8: rename it.") from None
    if length > KEY_BYTES:
        raise UserError(f"The path {path} is too long for a key in S3: shorten it.")
    return key
