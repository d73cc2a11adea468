"""The checkpoints of a training job, kept alike in its folder and in S3.

On AWS SageMaker brings what lies at the CheckpointConfig's S3Uri into the container before it
starts, and copies what the container writes there for as long as it runs: so a job that is stopped,
or one on a Spot instance that is taken away, goes on where it was when it starts again.
"""

from pathlib import Path
from typing import Any

from local.sagemaker import objects

LOCAL_PATH = "/opt/ml/checkpoints"


class Checkpoints:
    """A folder and its copy at an S3 URI."""

    def __init__(self, s3: Any, uri: str, folder: Path):
        self._s3 = s3
        self._bucket, prefix = objects.split(uri)
        self._uri = uri
        self._prefix = prefix.rstrip("/")
        self._folder = folder
        self._copied: dict[Path, tuple[int, int]] = {}

    def restore(self) -> None:
        """Make the folder and fill it with what S3 has, if anything.

        Raises botocore's ClientError, and ValueError for a key that would leave the folder.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            objects.download_prefix(self._s3, self._uri, self._folder)
        except objects.NoObjectsError:
            return
        self._copied = self._files()

    def save(self) -> None:
        """Copy the files that are new or changed; raises botocore's ClientError."""
        for path, state in self._files().items():
            if self._copied.get(path) == state:
                continue
            key = path.relative_to(self._folder).as_posix()
            if self._prefix:
                key = f"{self._prefix}/{key}"
            try:
                with path.open("rb") as body:
                    self._s3.put_object(Bucket=self._bucket, Key=key, Body=body)
            except FileNotFoundError:
                continue  # the job has replaced it meanwhile
            self._copied[path] = state

    def _files(self) -> dict[Path, tuple[int, int]]:
        """The files that are there, with their size and time of change."""
        found = {}
        for path in self._folder.rglob("*"):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            if path.is_file():
                found[path] = (status.st_size, status.st_mtime_ns)
        return found
