"""What an execution, a state and a task may take and give.

On AWS a task's input or result and a state's output of more than 256 KiB of UTF-8 is
`States.DataLimitExceeded`, and an execution's input of more, or that is no JSON, is refused. An
execution's name is an idempotency key: starting it again while it runs, with the same input, gives
the same execution. MiniStack carries anything of any size, runs input that is no JSON as `{}`, and
always answers `ExecutionAlreadyExists`, so that a client's retry of a lost answer would fail.
"""

import json
from collections.abc import Callable

from ministack.services import stepfunctions as sfn

from local import seams

LIMIT = 256 * 1024


def install() -> None:
    """Hold executions, states and tasks to the limits."""
    seams.replace(sfn, "_start_execution", start)
    seams.replace(sfn, "_invoke_resource", invoke_within_limit)
    for state in ("_execute_task", "_execute_map", "_execute_parallel", "_execute_pass"):
        seams.replace(sfn, state, execute_within_limit)


def start(original: Callable, request: dict) -> tuple:
    """MiniStack's response to StartExecution."""
    text = request.get("input", "{}")
    try:
        json.loads(text)
    except ValueError as error:
        return sfn.error_response_json(
            "InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'", 400
        )
    if len(text.encode()) > LIMIT:
        return sfn.error_response_json(
            "ValidationException",
            "1 validation error detected: Value at 'input' failed to satisfy constraint: "
            f"Member must have length less than or equal to {LIMIT}",
            400,
        )
    machine = sfn._resolve_state_machine_arn(request.get("stateMachineArn", ""))
    if machine and request.get("name"):
        arn = f"{machine.replace(':stateMachine:', ':execution:')}:{request['name']}"
        known = sfn._executions.get(arn)
        if known and (known["status"], known["input"]) == ("RUNNING", text):
            return sfn.json_response({"executionArn": arn, "startDate": known["startDate"]})
    return original(request)


def invoke_within_limit(original: Callable, resource: str, arguments: object) -> object:
    """The task's result; raises States.DataLimitExceeded for its input or the result itself."""
    check(arguments, "The input of the state/task is")
    result = original(resource, arguments)
    check(result, "The state/task returned a result with")
    return result


def execute_within_limit(original: Callable, *arguments: object) -> tuple[object, str | None]:
    """The state's output and the next state; raises States.DataLimitExceeded."""
    output, following = original(*arguments)
    check(output, "The state/task returned a result with")
    return output, following


def check(value: object, subject: str) -> None:
    """Raise States.DataLimitExceeded for a value of more than 256 KiB."""
    if len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()) > LIMIT:
        raise sfn._ExecutionError(
            "States.DataLimitExceeded",
            f"{subject} a size exceeding the maximum number of bytes service limit.",
        )
