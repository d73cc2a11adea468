"""ItemReader: the items of a JSON Lines object in S3, one after another."""

import io
import json
from collections.abc import Iterator

from ministack.services import s3
from ministack.services import stepfunctions as sfn

from local.step_functions import role

FAILED = "States.ItemReaderFailed"


def items(bucket: str, key: str) -> Iterator[object]:
    """Each item; lines that are blank are none.

    Raises States.ItemReaderFailed for an object that is not there or that the role may not read,
    and for a line that is no JSON.
    """
    role.authorize("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}", FAILED)
    status, _, body = s3._get_object(bucket, key, {}, {})
    if status != 200:
        # S3 says so only to whoever may list the key.
        listed = f"arn:aws:s3:::{bucket}"
        role.authorize("s3:ListBucket", listed, FAILED, **{"s3:prefix": key})
        missing = "bucket" if status == 404 and b"NoSuchBucket" in body else "key"
        raise sfn._ExecutionError(
            FAILED, f"The specified {missing} does not exist. (Bucket: {bucket}, Key: {key})"
        )
    for number, line in enumerate(io.BytesIO(body), start=1):
        if line.strip():
            yield _parse(line, f"line {number} of s3://{bucket}/{key}")


def _parse(line: bytes, where: str) -> object:
    try:
        return json.loads(line, parse_constant=_no_number)
    except ValueError as error:
        raise sfn._ExecutionError(FAILED, f"{where} is no JSON: {error}") from None


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")
