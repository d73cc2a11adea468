"""JSON APIs over HTTP: which operation a request is, whether its caller may, the answer's form.

MiniStack hands a handler every request that is signed for the service: those of the control plane
(JSON, named by X-Amz-Target) and, of SageMaker, those of the runtime (a path an operation).
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

from ministack import app

from local.sagemaker import records, validation
from local.sagemaker.invocation import Answer, invoke
from local.sagemaker.requests import Operation, ServiceError
from local.sagemaker.roles import SERVICE

_INVOCATIONS = re.compile(r"/endpoints/([^/]+)/invocations")
_JSON = "application/x-amz-json-1.1"


class Api:
    """MiniStack's handler of a service: `title` for people, `target` before an operation's name."""

    def __init__(self, service: str, title: str, target: str, operations: dict[str, Operation]):
        self.service = service
        self.target = target
        self._title = title
        self._operations = operations
        # Operations that wait for S3 wait here, not on the server's event loop.
        self._threads = ThreadPoolExecutor(4, thread_name_prefix=service)

    async def handle(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict
    ) -> Answer:
        """Answer a request; `headers` have lower-case names."""
        try:
            if self.service == "sagemaker" and not headers.get("x-amz-target"):
                return await self._invoke(method, path, headers, body, query)
            return await self._answer(headers, body, query)
        except ServiceError as error:
            content = {"__type": error.code, "message": error.message, "Message": error.message}
            answer = json.dumps(content | error.members).encode()
            return error.status, {"Content-Type": _JSON, "x-amzn-errortype": error.code}, answer

    async def _answer(self, headers: dict[str, str], body: bytes, query: dict) -> Answer:
        name = headers.get("x-amz-target", "").removeprefix(self.target)
        operation = self._operations.get(name)
        if not operation:
            raise self._unknown(name)
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            raise ServiceError("SerializationException", "The request is no JSON.") from None
        for arn in self._resources(request):
            if refusal := self._refusal(f"{self.service}:{name}", arn, headers, query):
                return refusal
        validation.check(name, request, self.service)
        operation.check(name, request)
        if role := request.get("RoleArn") or request.get("ExecutionRoleArn"):
            condition = {"iam:PassedToService": SERVICE}
            if refusal := self._refusal("iam:PassRole", role, headers, query, condition):
                return refusal
        answer = await asyncio.get_running_loop().run_in_executor(
            # The context has the account and region, and whose signature has been checked.
            self._threads,
            contextvars.copy_context().run,
            operation.run,
            request,
        )
        return 200, {"Content-Type": _JSON}, json.dumps(answer).encode()

    def _resources(self, request: Any) -> list[str]:
        """ARNs of the resources that IAM checks the caller's permission on."""
        if self.service != "sagemaker":
            return [records.arn("scalable-target", "*", self.service)]
        named = records.NAMES.items() if isinstance(request, dict) else ()
        arns = [records.arn(kind, str(request[name])) for kind, name in named if name in request]
        return arns or ["*"]

    async def _invoke(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict
    ) -> Answer:
        found = _INVOCATIONS.fullmatch(path)
        if method != "POST" or not found:
            raise self._unknown(f"{method} {path}")
        name = unquote(found[1])
        arn = records.arn("endpoint", name)
        if refusal := self._refusal("sagemaker:InvokeEndpoint", arn, headers, query):
            return refusal
        return await invoke(records.tables["endpoint"].get(name), name, headers, body)

    def _refusal(
        self, action: str, arn: str, headers: dict[str, str], query: dict, condition: Any = None
    ) -> Answer | None:
        """The refusal, if IAM is enforced and the caller may not."""
        return app._enforce_data_plane(
            *(self.service, action, headers, query, str(uuid.uuid4())),
            resource_arn=arn,
            named_resource=arn,
            service_context=condition,
        )

    def _unknown(self, operation: str) -> ServiceError:
        return ServiceError(
            "UnknownOperationException",
            f"The local cloud does not emulate {self._title}'s {operation}.",
        )
