"""Objects too large for memory: S3's own transfer moves them by way of a temporary file."""

import tempfile
from collections.abc import Iterator
from typing import BinaryIO

from botocore.exceptions import ClientError

from scripts.cli import UserError

NOT_FOUND = {"404", "NoSuchKey"}


def exists(s3, bucket: str, key: str) -> bool:
    """Tell whether there is such an object."""
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] not in NOT_FOUND:
            raise
        return False
    return True


def send(s3, file: BinaryIO, bucket: str, key: str) -> bool:
    """Upload a file of JSON lines unless the object is there; return whether it was sent."""
    if exists(s3, bucket, key):
        return False
    file.seek(0)
    s3.upload_fileobj(file, bucket, key, ExtraArgs={"ContentType": "application/jsonl"})
    return True


def lines(s3, bucket: str, key: str, longest: int = -1) -> Iterator[bytes]:
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
        yield from read_lines(file, longest)


def read_lines(file: BinaryIO, longest: int) -> Iterator[bytes]:
    """Yield a file's lines, bounded as in `lines`."""
    return iter(lambda: file.readline(longest), b"")
