"""SageMaker over HTTP: which operation a request is, whether its caller may, and the answer's form.

MiniStack has no SageMaker. It hands a handler every request that is signed for the service: those
of the control plane (JSON, named by X-Amz-Target) and those of the runtime (a path an operation).
Resource-level permissions are checked here, as MiniStack knows no ARNs of a service it lacks.
"""

import asyncio
import contextvars
import json
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote

import botocore.session
from ministack import app
from ministack.core import responses, router

from local.sagemaker import operations, validation
from local.sagemaker.caller import Caller
from local.sagemaker.errors import ServiceError
from local.sagemaker.hosting_operations import HostingOperations
from local.sagemaker.invocation import Answer, invoke
from local.sagemaker.records import Scope
from local.sagemaker.training_operations import TrainingOperations

_TARGET = "SageMaker."
_INVOCATIONS = re.compile(r"/endpoints/([^/]+)/invocations")


class Api:
    """MiniStack's handler of the service."""

    def __init__(self, training: TrainingOperations, hosting: HostingOperations):
        self._hosting = hosting
        self._operations = operations.table(training, hosting)
        # Operations that wait for S3 wait here, not on the server's event loop.
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="sagemaker")

    async def handle(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict
    ) -> Answer:
        """Answer a request; `headers` have lower-case names."""
        scope = Scope(responses.get_account_id(), responses.get_region())
        target = headers.get("x-amz-target", "")
        invocation = _INVOCATIONS.fullmatch(path)
        try:
            if target.startswith(_TARGET):
                operation = target.removeprefix(_TARGET)
                return await self._control(operation, scope, headers, body, query)
            if method == "POST" and invocation:
                name = unquote(invocation[1])
                return await self._invoke(name, scope, headers, body, query)
            raise _unknown_operation(_runtime_operation(method, path))
        except ServiceError as error:
            return error_answer(error)

    async def _control(
        self, name: str, scope: Scope, headers: dict[str, str], body: bytes, query: dict
    ) -> Answer:
        operation = self._operations.get(name)
        if not operation:
            raise _unknown_operation(name)
        request = parse(body)
        asked = request if isinstance(request, dict) else {}
        arns = [scope.arn(kind, str(asked.get(member, ""))) for kind, member in operation.resources]
        for arn in arns or ["*"]:
            refusal = denied("sagemaker", name, arn, headers, query)
            if refusal:
                return refusal
        validation.check(name, request)
        validation.check_emulated(name, request, operation.emulated)
        caller = Caller(router.extract_access_key_id(headers, query), scope)
        context = contextvars.copy_context()  # says which caller's signature has been checked
        answer = await asyncio.get_running_loop().run_in_executor(
            self._threads, context.run, operation.run, caller, request
        )
        return json_answer(answer)

    async def _invoke(
        self, name: str, scope: Scope, headers: dict[str, str], body: bytes, query: dict
    ) -> Answer:
        arn = scope.arn("endpoint", name)
        refusal = denied("sagemaker", "InvokeEndpoint", arn, headers, query)
        if refusal:
            return refusal
        return await invoke(self._hosting.endpoint(scope, name), name, scope, headers, body)


def parse(body: bytes) -> Any:
    """The request that a body holds; raises SerializationException."""
    try:
        return json.loads(body or b"{}")
    except ValueError:
        raise ServiceError("SerializationException", "The request is no JSON.") from None


def denied(
    service: str, operation: str, arn: str, headers: dict[str, str], query: dict
) -> Answer | None:
    """The refusal, if IAM is enforced and the caller may not."""
    return app._enforce_data_plane(
        service,
        f"{service}:{operation}",
        headers,
        query,
        str(uuid.uuid4()),
        resource_arn=arn,
        named_resource=arn,
    )


def _unknown_operation(name: str) -> ServiceError:
    return ServiceError(
        "UnknownOperationException", f"The local cloud does not emulate SageMaker's {name}."
    )


def _runtime_operation(method: str, path: str) -> str:
    """The runtime's operation of that path, else the request itself."""
    model = botocore.session.get_session().get_service_model("sagemaker-runtime")
    for name in model.operation_names:
        http = model.operation_model(name).http
        pattern = re.sub(r"\{\w+\}", "[^/]+", http["requestUri"])
        if method == http["method"] and re.fullmatch(pattern, path):
            return name
    return f"{method} {path}"


def error_answer(error: ServiceError) -> Answer:
    """The answer that the SDK raises as that error."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": error.code}
    body = {"__type": error.code, "message": error.message, "Message": error.message}
    return error.status, headers, json.dumps({**body, **error.members}).encode()


def json_answer(answer: dict[str, Any]) -> Answer:
    """An operation's answer."""
    return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()
