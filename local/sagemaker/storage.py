"""S3 as training and hosting use it: channels, models and checkpoints; and archives of results."""

import contextlib
import shutil
import tarfile
import zlib
from pathlib import Path
from typing import Any


class ArchiveError(Exception):
    """The archive cannot be unpacked; the message says why."""


def split(uri: str) -> tuple[str, str]:
    """Bucket and key of an s3:// URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def download(s3: Any, bucket: str, key: str, path: Path) -> None:
    """Download one object to that file; raises botocore's ClientError."""
    with path.open("wb") as file:
        shutil.copyfileobj(s3.get_object(Bucket=bucket, Key=key)["Body"], file, 1 << 20)


def download_prefix(s3: Any, uri: str, folder: Path) -> bool:
    """Download the object of that URI, or all objects below it, into the folder.

    False if there is none. Raises botocore's ClientError, and ValueError for a key that would leave
    the folder.
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
            if key.endswith("/"):
                continue
            relative = key[len(prefix) :].lstrip("/") or key.rsplit("/", 1)[-1]
            path = (folder / relative).resolve()
            if not path.is_relative_to(folder.resolve()):
                raise ValueError(f"s3://{bucket}/{key} leads out of its channel's folder")
            path.parent.mkdir(parents=True, exist_ok=True)
            download(s3, bucket, key, path)
    return found


class Checkpoints:
    """A job's folder of checkpoints and its copy at an S3 URI.

    SageMaker brings what lies there into the container before it starts, and copies what the
    container writes for as long as it runs: a job that is stopped, or one on a Spot instance that
    is taken away, goes on where it was when it starts again.
    """

    def __init__(self, s3: Any, uri: str, folder: Path):
        self.uri = uri
        self._s3 = s3
        self._folder = folder
        self._copied: dict[Path, tuple[int, int]] = {}

    def restore(self) -> None:
        """Make the folder and fill it with what S3 has, if anything.

        Raises botocore's ClientError, and ValueError for a key that would leave the folder.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        download_prefix(self._s3, self.uri, self._folder)
        self._copied = self._files()

    def save(self) -> None:
        """Copy the files that are new or changed; raises botocore's ClientError."""
        bucket, prefix = split(self.uri)
        for path, state in self._files().items():
            if self._copied.get(path) == state:
                continue
            key = f"{prefix.rstrip('/')}/{path.relative_to(self._folder).as_posix()}".lstrip("/")
            try:
                with path.open("rb") as body:
                    self._s3.put_object(Bucket=bucket, Key=key, Body=body)
            except FileNotFoundError:
                continue  # the job has replaced it meanwhile
            self._copied[path] = state

    def _files(self) -> dict[Path, tuple[int, int]]:
        """The files that are there, with their size and time of change."""
        found = {}
        for path in self._folder.rglob("*"):
            with contextlib.suppress(FileNotFoundError):
                if path.is_file():
                    status = path.stat()
                    found[path] = (status.st_size, status.st_mtime_ns)
        return found


def pack(folder: Path, archive: Path) -> None:
    """Write what is in the folder, without the folder itself, to a .tar.gz."""
    with tarfile.open(archive, "w:gz") as tar:
        for entry in sorted(folder.iterdir()):
            tar.add(entry, entry.name)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a .tar.gz into the folder; raises ArchiveError, also for what would leave it."""
    try:
        with tarfile.open(archive, "r:gz") as tar:
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise ArchiveError(str(error)) from error
