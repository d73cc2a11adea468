"""Calls of S3 and SageMaker, whose failures get the names of handlers/errors."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from http import HTTPStatus
from typing import Any, NoReturn

import boto3
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from urllib3.exceptions import HTTPError

from handlers import errors

# Both attempts of a call, with the wait between them, end before the shortest time-out of a
# function or of a task of `classify`: a slow service is reported by its name. A body that breaks
# off is read up to READS times, which may take longer.
CLIENT_CONFIG = {
    "connect_timeout": 2,
    "read_timeout": 10,
    "retries": {"mode": "standard", "total_max_attempts": 2},
    "tcp_keepalive": True,
}
CONNECTIONS = 32
MAX_BODY_BYTES = 6_000_000  # InvokeEndpoint takes no more
LINES_CHUNK_BYTES = 1 << 20
READS = 3  # of an object whose body breaks off: botocore reads none again
# Raised if a connection breaks while a body is read; botocore leaves TLS's errors as urllib3's.
BROKEN_OFF = (IncompleteReadError, ResponseStreamingError, HTTPError)
UNREACHABLE = (ConnectionError, HTTPClientError, *BROKEN_OFF)


@cache
def s3() -> Any:
    """The process's S3 client, for CONNECTIONS threads."""
    return boto3.client("s3", config=Config(**CLIENT_CONFIG, max_pool_connections=CONNECTIONS))


@cache
def sagemaker() -> Any:
    """The process's SageMaker runtime client."""
    return boto3.client("sagemaker-runtime", config=Config(**CLIENT_CONFIG))


def read_object(client: Any, bucket: str, key: str, max_bytes: int) -> bytes:
    """The object's bytes; none are read if there are more than `max_bytes`.

    A body that breaks off is read again, READS times in all. Raises ImageTooLarge, ImageNotFound,
    AccessDenied, StorageUnavailable, or InvalidInput for a key that S3 refuses.
    """
    with _s3_errors():
        for reads_left in reversed(range(READS)):
            try:
                answer = client.get_object(Bucket=bucket, Key=key)
                with closing(answer["Body"]) as body:
                    size = answer["ContentLength"]
                    if size > max_bytes:
                        raise errors.ImageTooLarge(f"{size} bytes are more than {max_bytes}")
                    return body.read()
            except BROKEN_OFF:
                if not reads_left:
                    raise
    raise AssertionError("the last read returns or raises")


def read_lines(client: Any, bucket: str, key: str) -> Iterator[bytes]:
    """The object's lines, without line ends; the body is read as lines are taken.

    Raises ImageNotFound, AccessDenied, StorageUnavailable or InvalidInput.
    """
    with _s3_errors(), closing(client.get_object(Bucket=bucket, Key=key)["Body"]) as body:
        yield from body.iter_lines(chunk_size=LINES_CHUNK_BYTES)


def write_object(client: Any, bucket: str, key: str, body: bytes) -> None:
    """Put the object. Raises AccessDenied, StorageUnavailable or InvalidInput."""
    with _s3_errors():
        client.put_object(Bucket=bucket, Key=key, Body=body)


def invoke_endpoint(
    client: Any,
    name: str,
    body: bytes,
    content_type: str = "image/png",
    inference_id: str | None = None,
) -> bytes:
    """The endpoint's answer; Data Capture records it under the inference id, if there is one.

    Raises EndpointNotFound, EndpointThrottled, EndpointUnavailable, EndpointTimeout, AccessDenied,
    InvalidInput, or InvalidModelResponse if the model refuses the body.
    """
    identity = {} if inference_id is None else {"InferenceId": inference_id}
    try:
        answer = client.invoke_endpoint(
            EndpointName=name,
            ContentType=content_type,
            Accept="application/json",
            Body=body,
            **identity,
        )
        with closing(answer["Body"]) as stream:
            return stream.read()
    except ClientError as error:
        _raise_endpoint_error(error)
    except ReadTimeoutError as error:
        raise errors.EndpointTimeout(f"endpoint {name} did not answer in time") from error
    except UNREACHABLE as error:
        raise errors.EndpointUnavailable(
            f"endpoint {name} could not be reached: {error}"
        ) from error


@contextmanager
def _s3_errors() -> Iterator[None]:
    """Raise S3's errors under the names of handlers/errors."""
    try:
        yield
    except UNREACHABLE as error:
        raise errors.StorageUnavailable(f"S3 could not be reached: {error}") from error
    except ClientError as error:
        status, code, message = _status_code_message(error)
        if status == HTTPStatus.NOT_FOUND:
            raise errors.ImageNotFound(message) from error
        if status == HTTPStatus.FORBIDDEN:
            raise errors.AccessDenied(f"S3 refused: {message}") from error
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= 500 or code == "RequestTimeout":
            raise errors.StorageUnavailable(f"S3 answered {code}: {message}") from error
        raise errors.InvalidInput(f"S3 answered {code}: {message}") from error


def _raise_endpoint_error(error: ClientError) -> NoReturn:
    status, code, message = _status_code_message(error)
    if code == "ModelError":
        _raise_model_error(error)
    if code.startswith("Validation") and "not found" in message:
        raise errors.EndpointNotFound(message) from error
    if status == HTTPStatus.FORBIDDEN or code == "AccessDeniedException":
        raise errors.AccessDenied(f"SageMaker refused the call: {message}") from error
    if code.startswith("Throttling"):
        raise errors.EndpointThrottled(message) from error
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= 500:
        raise errors.EndpointUnavailable(f"SageMaker answered {code}: {message}") from error
    raise errors.InvalidInput(f"SageMaker answered {code}: {message}") from error


def _raise_model_error(error: ClientError) -> NoReturn:
    """Raise by the container's own status, which SageMaker wraps in a 424."""
    status = error.response.get("OriginalStatusCode", 0)
    message = error.response["Error"]["Message"]
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise errors.EndpointThrottled(message) from error
    if 400 <= status < 500:
        raise errors.InvalidModelResponse(f"the model refused the image: {message}") from error
    raise errors.EndpointUnavailable(message) from error


def _status_code_message(error: ClientError) -> tuple[int, str, str]:
    response = error.response
    return (
        response["ResponseMetadata"]["HTTPStatusCode"],
        response["Error"]["Code"],
        response["Error"]["Message"],
    )
