"""Starting an execution.

On AWS the name of an execution is an idempotency key: starting it again while it runs, with the
same input, gives the same execution; with another input, or once it has ended, it is
`ExecutionAlreadyExists`. MiniStack answers that always, so that a client's retry of a call whose
answer was lost would fail.

On AWS input that is no JSON, or of more than 256 KiB, is refused. MiniStack runs the former as `{}`
and the latter as it is.
"""

import json
from collections.abc import Callable

from ministack.services import stepfunctions as sfn

from local import seams
from local.step_functions import quotas


def install() -> None:
    """Start executions as AWS does."""
    seams.replace(sfn, "_start_execution", start)


def start(original: Callable, request: dict) -> tuple:
    """MiniStack's response to StartExecution."""
    text = request.get("input", "{}")
    try:
        json.loads(text)
    except ValueError as error:
        return sfn.error_response_json(
            "InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'", 400
        )
    if len(text.encode()) > quotas.LIMIT:
        return sfn.error_response_json(
            "ValidationException",
            "1 validation error detected: Value at 'input' failed to satisfy constraint: "
            f"Member must have length less than or equal to {quotas.LIMIT}",
            400,
        )
    running = _running(request)
    if running and running["input"] == text:
        return sfn.json_response(
            {"executionArn": running["executionArn"], "startDate": running["startDate"]}
        )
    return original(request)


def _running(request: dict) -> dict | None:
    machine = sfn._resolve_state_machine_arn(request.get("stateMachineArn", ""))
    if not machine or not request.get("name"):
        return None
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:{request['name']}"
    execution = sfn._executions.get(arn)
    return execution if execution and execution["status"] == "RUNNING" else None
