"""InvokeEndpoint: a request to a variant's model server, and its answer or why there is none.

The functions of this service tell these errors apart and retry some of them, so the codes, the
HTTP statuses and the members of ModelError are AWS's.
"""

import asyncio
from collections.abc import Mapping

from local.metrics.services import record_request
from local.sagemaker.capture import Payload
from local.sagemaker.endpoints import Endpoint
from local.sagemaker.errors import ServiceError
from local.sagemaker.forwarding import Response, UnavailableError
from local.sagemaker.logs import endpoint_group
from local.sagemaker.records import Scope

_MAX_BYTES = 6_291_456
_SECONDS_TO_ANSWER = 60
_CONTAINER = "primary"

_PREFIX = "x-amzn-sagemaker-"
_CUSTOM_ATTRIBUTES = f"{_PREFIX}custom-attributes"
_NOT_EMULATED = (
    "enable-explanations",
    "inference-component",
    "prefix-aware-id",
    "session-id",
    "target-container-hostname",
    "target-model",
)

Answer = tuple[int, dict[str, str], bytes]


async def invoke(
    endpoint: Endpoint | None, name: str, scope: Scope, headers: Mapping[str, str], body: bytes
) -> Answer:
    """Forward the request to the endpoint and give its answer; raises ServiceError."""
    for header in _NOT_EMULATED:
        if headers.get(f"{_PREFIX}{header}"):
            raise _validation_error(f"The local cloud does not emulate the header {header}.")
    if len(body) > _MAX_BYTES:
        raise _validation_error(
            "1 validation error detected: Value at 'body' failed to satisfy constraint: "
            f"Member must have length less than or equal to {_MAX_BYTES}"
        )
    target = headers.get(f"{_PREFIX}target-variant")
    try:
        chosen = endpoint.choose(target) if endpoint else None
    except KeyError:
        raise _validation_error(
            f'Could not find variant "{target}" for endpoint "{name}".'
        ) from None
    if not chosen:
        raise _validation_error(f"Endpoint {name} of account {scope.account} not found.")
    deployment, variant, server = chosen
    if not server:
        raise ServiceError("ServiceUnavailable", "Service Unavailable", 503)
    content_type = headers.get("content-type", "")
    sent = {"accept": headers.get("accept") or "*/*"}
    if content_type:
        sent["content-type"] = content_type
    if _CUSTOM_ATTRIBUTES in headers:
        sent[_CUSTOM_ATTRIBUTES] = headers[_CUSTOM_ATTRIBUTES]
    try:
        async with asyncio.timeout(_SECONDS_TO_ANSWER):
            with record_request(name, variant.name) as request:
                response = await server.http.post("/invocations", sent, body)
                request.status = response.status
        answered = response.headers.get("content-type", "application/octet-stream")
        succeeded = 200 <= response.status < 300
        if succeeded and deployment.capture and deployment.capture.sample():
            deployment.capture.add(
                variant.name,
                variant.role,
                Payload(content_type, body),
                Payload(answered, response.body),
                headers.get(f"{_PREFIX}inference-id"),
                headers.get(_CUSTOM_ATTRIBUTES),
            )
    except TimeoutError:
        raise _model_error(
            name,
            scope,
            0,
            f"Your invocation timed out while waiting for a response from container {_CONTAINER}. "
            "Review the latency metrics for each container in Amazon CloudWatch, resolve the "
            "issue, and try again.",
        ) from None
    except UnavailableError:
        raise _model_error(
            name,
            scope,
            0,
            f"Amazon SageMaker could not get a response from the {name} endpoint. This can occur "
            "when CPU or memory utilization is high. To check your utilization, see Amazon "
            "CloudWatch. To fix this problem, use an instance type with more CPU capacity or "
            "memory.",
        ) from None
    finally:
        server.in_flight -= 1
    if not succeeded:
        said = response.body.decode(errors="replace")
        raise _model_error(name, scope, response.status, said)
    return 200, _answer_headers(response, answered, variant.name), response.body


def _answer_headers(response: Response, content_type: str, variant: str) -> dict[str, str]:
    # In lower case: MiniStack rewrites a JSON "Content-Type" to that of the control plane.
    headers = {"content-type": content_type, "x-amzn-invoked-production-variant": variant}
    if _CUSTOM_ATTRIBUTES in response.headers:
        headers[_CUSTOM_ATTRIBUTES] = response.headers[_CUSTOM_ATTRIBUTES]
    return headers


def _validation_error(message: str) -> ServiceError:
    return ServiceError("ValidationError", message)


def _model_error(name: str, scope: Scope, status: int, said: str) -> ServiceError:
    group = endpoint_group(name)
    region = scope.region
    side = "client" if 400 <= status < 500 else "server"
    return ServiceError(
        "ModelError",
        f'Received {side} error ({status}) from {_CONTAINER} with message "{said}". See '
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
        f"#logEventViewer:group={group} in account {scope.account} for more information.",
        424,
        OriginalStatusCode=status,
        OriginalMessage=said,
        LogStreamArn=f"arn:aws:logs:{region}:{scope.account}:log-group:{group}",
    )
