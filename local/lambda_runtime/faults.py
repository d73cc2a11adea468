"""Faults of Lambda that a person or a test asked for (see local/faults.py).

A call that is throttled, or fails in the service, is no invocation for AWS/Lambda's metrics. Calls
that wait for a free environment count as in flight.
"""

import json
import os
import random
from collections.abc import Callable

from ministack.core.responses import error_response_json
from ministack.services import lambda_svc

from local import faults, paths, seams

MESSAGE = "The AWS Lambda service encountered an internal error."
# No function's error has a `__type`.
_FAILED = {"__type": "ServiceException", "Type": "Service", "Message": MESSAGE}
_BODY = json.dumps(_FAILED).encode()


@seams.replaces(lambda_svc, "_acquire_execution_slot")
def acquire_slot(original: Callable, *arguments: object) -> tuple[str | None, str | None]:
    """A place among the invocations in flight and None, or None and whose limit is reached."""
    lambda_svc._ACCOUNT_CONCURRENCY_CAP = _read().lambda_concurrency or faults.MOST_AT_ONCE
    return original(*arguments)


@seams.replaces(lambda_svc, "_execute_function_dispatch")
def run(original: Callable, *arguments: object) -> dict:
    """MiniStack's record of the result, or of a failure in the service."""
    if random.random() * 100 < _read().lambda_failures:  # noqa: S311 - guards nothing
        return {"body": dict(_FAILED), "error": True, "log": ""}
    return original(*arguments)


@seams.replaces(lambda_svc, "_invoke")
async def answer(original: Callable, *arguments: object, **options: object) -> tuple:
    """The response to Invoke."""
    response = await original(*arguments, **options)
    if response[2] != _BODY:
        return response
    form = {"message_key": "Message", "content_type": "application/json"}
    return error_response_json("ServiceException", MESSAGE, 500, {"Type": "Service"}, **form)


def _read() -> faults.Faults:
    return faults.read(paths.home(int(os.environ["GATEWAY_PORT"])))
