"""What a training job left in the bucket, read without unpacking anything onto the disk."""

import tarfile
import zlib
from typing import BinaryIO

from scripts.cli import UserError
from scripts.storage import split_uri

MEMBER_BYTES = 64 * 1024**2


def read_member(s3, uri: str, name: str) -> bytes:
    """Return one file of a .tar.gz in S3, streamed as far as it. UserError if it is not there."""
    bucket, key = split_uri(uri)
    return member_of(s3.get_object(Bucket=bucket, Key=key)["Body"], uri, name)


def member_of(archive: BinaryIO, source: str, name: str) -> bytes:
    """Return one file of an open .tar.gz, which errors call `source`. UserError without it."""
    try:
        with tarfile.open(fileobj=archive, mode="r|gz") as tar:
            for member in tar:
                if member.name.removeprefix("./") == name and member.isreg():
                    if member.size > MEMBER_BYTES:
                        raise UserError(f"{name} in {source} has {member.size:,} bytes: too many.")
                    return tar.extractfile(member).read()
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise UserError(f"{source} cannot be read as an archive: {error}") from error
    raise UserError(f"{source} holds no {name}. Was it made by model/train.py?")


def output_uri(job: dict) -> str:
    """Return where the files lie that a job left beside its model."""
    return job["ModelArtifacts"]["S3ModelArtifacts"].replace("/model.tar.gz", "/output.tar.gz")
