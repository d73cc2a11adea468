"""The result files of a Distributed Map -> the number of photos by status."""

import json
from typing import Any

from handlers import aws, events, outcomes
from handlers.errors import InvalidInput
from handlers.logs import log_calls, note

S3 = aws.s3()
MAX_MANIFEST_BYTES = 10_000_000


@log_calls
def handler(event: Any, context: Any) -> dict:
    """`{s3_bucket, s3_key}` of ResultWriter's manifest -> `{submitted, accepted, review, failed}`.

    Reads files of any size, line by line. Raises InvalidInput, ImageNotFound, AccessDenied or
    StorageUnavailable.
    """
    bucket, key = events.text(event, "s3_bucket"), events.text(event, "s3_key")
    try:
        files = json.loads(aws.read_object(S3, bucket, key, MAX_MANIFEST_BYTES))["ResultFiles"]
        counts = outcomes.count_statuses(
            result
            for kind in ("SUCCEEDED", "FAILED")
            for file in files.get(kind, [])
            for result in outcomes.read_results(
                kind, aws.read_lines(S3, bucket, file["Key"]), bucket
            )
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f"s3://{bucket}/{key} is no result of a Distributed Map") from error
    if files.get("PENDING"):
        raise InvalidInput(f"s3://{bucket}/{key} names batches that were never started")
    note(**counts)
    return counts
