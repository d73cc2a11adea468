"""What the handlers are called with, and what S3 and SageMaker answer, in botocore's own shapes."""

import io
from types import SimpleNamespace

from botocore.response import StreamingBody

CONTEXT = SimpleNamespace(
    function_name="function",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:function",
    aws_request_id="request",
    get_remaining_time_in_millis=lambda: 120_000,
)


def body(data: bytes, length: int | None = None) -> StreamingBody:
    """A response body, which claims to be `length` bytes."""
    return StreamingBody(io.BytesIO(data), len(data) if length is None else length)


def photo(data: bytes) -> dict:
    """S3's answer to GetObject."""
    return {"Body": body(data), "ContentLength": len(data)}


def answer(data: bytes) -> dict:
    """SageMaker's answer to InvokeEndpoint."""
    return {"Body": body(data), "ContentType": "application/json"}
