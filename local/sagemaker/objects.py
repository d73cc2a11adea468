"""S3 as training and hosting use it: channels and models come from it, results go to it."""

import shutil
from pathlib import Path
from typing import Any


class NoObjectsError(Exception):
    """Nothing lies below the prefix."""


def split(uri: str) -> tuple[str, str]:
    """Bucket and key of an s3:// URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def download_prefix(s3: Any, uri: str, folder: Path) -> None:
    """Download the object of that URI, or all objects below it, into the folder.

    Raises NoObjectsError, botocore's ClientError, and ValueError for a key that would leave the
    folder.
    """
    bucket, prefix = split(uri)
    prefix = prefix.rstrip("/")
    found = False
    for listed in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in listed.get("Contents", []):
            key = entry["Key"]
            if prefix and key != prefix and not key.startswith(f"{prefix}/"):
                continue  # a neighbour whose name only begins alike
            found = True
            if not key.endswith("/"):
                relative = key[len(prefix) :].lstrip("/") or key.rsplit("/", 1)[-1]
                _download(s3, bucket, key, folder, relative)
    if not found:
        raise NoObjectsError(uri)


def _download(s3: Any, bucket: str, key: str, folder: Path, relative: str) -> None:
    path = (folder / relative).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"s3://{bucket}/{key} leads out of its channel's folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    download(s3, bucket, key, path)


def download(s3: Any, bucket: str, key: str, path: Path) -> None:
    """Download one object to that file; raises botocore's ClientError."""
    body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    with path.open("wb") as file:
        shutil.copyfileobj(body, file, 1 << 20)
