"""Faults of Lambda that a person or a test asked for (see local/faults.py).

- With a concurrency of N, an invocation that would be one more than N in flight is throttled at
  once, as AWS does at the account's limit: `TooManyRequestsException` with the reason
  ConcurrentInvocationLimitExceeded (docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html).
  In flight is also what waits for an environment to be free.
- A share of the invocations fails in the service, before the function runs: `ServiceException`,
  with the status 500 (docs.aws.amazon.com/lambda/latest/api/API_Invoke.html).

Neither is an invocation for AWS/Lambda's metrics
(docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html).
"""

import functools
import json
import random
from collections.abc import Callable
from pathlib import Path

from ministack.core.responses import error_response_json
from ministack.services import lambda_svc

from local import faults, seams

MESSAGE = "The AWS Lambda service encountered an internal error."
# No function's error has a `__type`.
_FAILED = {"__type": "ServiceException", "Type": "Service", "Message": MESSAGE}
_BODY = json.dumps(_FAILED).encode()


def install(home: Path) -> None:
    """Look at the file in that folder before each invocation."""
    usual = lambda_svc._ACCOUNT_CONCURRENCY_CAP
    acquire = functools.partial(acquire_slot, home, usual)
    seams.replace(lambda_svc, "_acquire_execution_slot", acquire)
    seams.replace(lambda_svc, "_execute_function_dispatch", functools.partial(run, home))
    seams.replace(lambda_svc, "_invoke", answer)


def acquire_slot(
    home: Path, usual: int, original: Callable, function: dict, config: dict
) -> tuple[str | None, str | None]:
    """A place among the invocations in flight, or none and whose limit is reached."""
    lambda_svc._ACCOUNT_CONCURRENCY_CAP = faults.read(home).lambda_concurrency or usual
    return original(function, config)


def run(home: Path, original: Callable, *arguments: object) -> dict:
    """MiniStack's record of the result, or of a failure in the service."""
    if random.random() * 100 < faults.read(home).lambda_failures:  # noqa: S311 - guards nothing
        return {"body": dict(_FAILED), "error": True, "log": ""}
    return original(*arguments)


async def answer(original: Callable, *arguments: object, **options: object) -> tuple:
    """The response to Invoke."""
    response = await original(*arguments, **options)
    if response[2] != _BODY:
        return response
    form = {"message_key": "Message", "content_type": "application/json"}
    return error_response_json("ServiceException", MESSAGE, 500, {"Type": "Service"}, **form)
