"""InvokeEndpoint: a request to a variant's model server, and its answer or error.

The functions of this service tell these errors apart and retry some of them, so the codes, the
HTTP statuses and the members of ModelError are AWS's.
"""

import asyncio
import time
from collections.abc import Mapping

import aiohttp
from ministack.core.responses import get_account_id, get_region

from local.metrics.recording import record_request
from local.sagemaker.endpoints import Endpoint
from local.sagemaker.logs import endpoint_group
from local.sagemaker.requests import ServiceError

_MAX_BYTES = 6_291_456
_SECONDS_TO_ANSWER = 60
_CONTAINER = "primary"

_PREFIX = "x-amzn-sagemaker-"
_INFERENCE_ID = f"{_PREFIX}inference-id"
_TIMED_OUT = f"Your invocation timed out while waiting for a response from container {_CONTAINER}."
_UNAVAILABLE = "Amazon SageMaker could not get a response from the {} endpoint."

Answer = tuple[int, dict[str, str], bytes]


async def invoke(
    endpoint: Endpoint | None, name: str, headers: Mapping[str, str], body: bytes
) -> Answer:
    """Forward the request to the endpoint and give its answer; raises ServiceError."""
    for header in headers:
        if header.startswith(_PREFIX) and header != _INFERENCE_ID:
            raise _validation_error(f"The local cloud does not emulate the header {header}.")
    if len(body) > _MAX_BYTES:
        raise _validation_error(
            "1 validation error detected: Value at 'body' failed to satisfy constraint: "
            f"Member must have length less than or equal to {_MAX_BYTES}"
        )
    chosen = endpoint.choose() if endpoint else None
    if not chosen:
        raise _validation_error(f"Endpoint {name} of account {get_account_id()} not found.")
    deployment, server = chosen
    if not server:
        raise ServiceError("ServiceUnavailable", "Service Unavailable", 503)
    content_type = headers.get("content-type", "")
    given = {"accept": headers.get("accept") or "*/*", "content-type": content_type}
    forwarded = {name: value for name, value in given.items() if value}
    status, began = 0, time.perf_counter()
    try:
        async with asyncio.timeout(_SECONDS_TO_ANSWER):
            status, answer_type, answer = await _post(server.port, forwarded, body)
    except TimeoutError:
        raise _model_error(name, 0, _TIMED_OUT) from None
    except (aiohttp.ClientError, OSError):  # no connection, or one that ended before the answer did
        raise _model_error(name, 0, _UNAVAILABLE.format(name)) from None
    finally:
        record_request(name, deployment.variant, status, time.perf_counter() - began)
        if deployment.capture and 200 <= status < 300:
            sides = (content_type, body), (answer_type, answer)
            deployment.capture.add(*sides, headers.get(_INFERENCE_ID))
        server.in_flight -= 1
    if not 200 <= status < 300:
        raise _model_error(name, status, answer.decode(errors="replace"))
    # In lower case: MiniStack rewrites a JSON "Content-Type" to that of the control plane.
    named = {"content-type": answer_type, "x-amzn-invoked-production-variant": deployment.variant}
    return 200, named, answer


async def _post(port: int, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
    """POST /invocations to a model server; the answer's status, content type and body.

    It is sent from the server's event loop: a Map of functions that all wait for the endpoint would
    use up any pool of threads that they share with it.
    """
    without = "Accept-Encoding", "Content-Type", "User-Agent"
    async with (
        aiohttp.ClientSession(skip_auto_headers=without) as session,
        session.post(f"http://127.0.0.1:{port}/invocations", headers=headers, data=body) as answer,
    ):
        content_type = answer.headers.get("Content-Type", "application/octet-stream")
        return answer.status, content_type, await answer.read()


def _validation_error(message: str) -> ServiceError:
    return ServiceError("ValidationError", message)


def _model_error(name: str, status: int, message: str) -> ServiceError:
    group, account, region = endpoint_group(name), get_account_id(), get_region()
    side = "client" if 400 <= status < 500 else "server"
    return ServiceError(
        "ModelError",
        f'Received {side} error ({status}) from {_CONTAINER} with message "{message}". See '
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
        f"#logEventViewer:group={group} in account {account} for more information.",
        424,
        OriginalStatusCode=status,
        OriginalMessage=message,
        LogStreamArn=f"arn:aws:logs:{region}:{account}:log-group:{group}",
    )
