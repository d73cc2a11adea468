"""An execution: its start and end, the sizes of its data, the permissions of its role.

MiniStack carries data of any size, runs input that is no JSON as `{}`, takes an execution's name
once, which fails a client's retry of a lost answer, and ignores a definition's TimeoutSeconds. In a
stopped execution it goes on through all items of a Map, and the failure of one of them turns
ABORTED into FAILED. It runs tasks without asking whether the state machine's role may: here two
kinds of task are checked and run, those that the service has. Any other is refused.
"""

import contextvars
import json
import threading
from collections.abc import Callable

from ministack.core.responses import get_account_id, get_region
from ministack.services import stepfunctions as sfn

from local import iam, seams

LIMIT = 256 * 1024
compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_RESULT = "The state/task returned a result with"

# The execution that a thread works for; the threads of a Map's items inherit it.
current: contextvars.ContextVar[dict] = contextvars.ContextVar("execution")


class ExecutionEndedError(Exception):
    """The execution has ended meanwhile. Not an error of its own: no Retry or Catch takes it."""


@seams.replaces(sfn, "_start_execution")
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


@seams.replaces(sfn, "_run_execution")
def run(original: Callable, arn: str) -> None:
    """Run the execution to its end or its definition's TimeoutSeconds."""
    execution = sfn._executions[arn]
    current.set(execution)
    machine = sfn._state_machines.get(execution["stateMachineArn"]) or {}
    seconds = json.loads(machine.get("definition", "{}")).get("TimeoutSeconds")
    if not seconds:
        return original(arn)
    timer = threading.Timer(seconds, contextvars.copy_context().run, (_time_out, execution))
    timer.daemon = True
    timer.start()
    try:
        return original(arn)
    finally:
        timer.cancel()


@seams.replaces(sfn, "_fail_execution")
def fail(original: Callable, execution: dict, error: str, cause: str) -> None:
    """End the execution as FAILED unless it has ended."""
    if execution["status"] == "RUNNING":
        original(execution, error, cause)


@seams.replaces(sfn, "_invoke_resource")
def invoke(original: Callable, resource: str, arguments: dict) -> object:
    """The task's result.

    Raises ExecutionEndedError, States.DataLimitExceeded, and AWS's error where the role may not.
    """
    _check_running()
    check_size(arguments, "The input of the state/task is")
    if resource == "arn:aws:states:::lambda:invoke":
        function = arguments.get("FunctionName", "")
        if not function.startswith("arn:"):
            function = f"arn:aws:lambda:{get_region()}:{get_account_id()}:function:{function}"
        authorize("lambda:InvokeFunction", function, "Lambda.AWSLambdaException")
    elif resource == "arn:aws:states:::sns:publish":
        topic = arguments.get("TopicArn", "")
        authorize("sns:Publish", topic, "SNS.AuthorizationErrorException")
    else:
        raise sfn._ExecutionError(
            "States.Runtime", f"the local cloud knows no task {resource} (see local/step_functions)"
        )
    result = original(resource, arguments)
    check_size(result, _RESULT)
    return result


@seams.replaces(sfn, "_execute_task", "_execute_map", "_execute_parallel", "_execute_pass")
def execute(original: Callable, *arguments: object) -> tuple[object, str | None]:
    """The state's output and the next state.

    Raises ExecutionEndedError and States.DataLimitExceeded.
    """
    output, following = execute_while_running(original, *arguments)
    check_size(output, _RESULT)
    return output, following


@seams.replaces(sfn, "_execute_choice", "_execute_wait")
def execute_while_running(original: Callable, *arguments: object) -> tuple[object, str | None]:
    """The state's output and the next state; raises ExecutionEndedError."""
    _check_running()
    return original(*arguments)


def is_running(execution: dict) -> bool:
    """Whether neither the execution has ended nor one that it is a child of."""
    return execution["status"] == "RUNNING" and (
        "parent" not in execution or is_running(execution["parent"])
    )


def check_size(value: object, subject: str) -> None:
    """Raise States.DataLimitExceeded for a value of more than 256 KiB."""
    if len(compact(value).encode()) > LIMIT:
        raise sfn._ExecutionError(
            "States.DataLimitExceeded",
            f"{subject} a size exceeding the maximum number of bytes service limit.",
        )


def authorize(action: str, resource: str, error: str, **context: str) -> None:
    """Raise the error of that name unless the execution's role allows the action.

    `context` has the request's condition keys, as local.iam.denial takes them.
    """
    execution = current.get()
    role = role_arn(execution)
    if denial := iam.denial(role, execution["name"], action, resource, **context):
        raise sfn._ExecutionError(error, denial)


def role_arn(execution: dict) -> str:
    """The ARN of the role of an execution, or of a child of a Distributed Map."""
    return sfn._state_machines[execution["stateMachineArn"].partition("/")[0]]["roleArn"]


def _check_running() -> None:
    if not is_running(current.get()):
        raise ExecutionEndedError


def _time_out(execution: dict) -> None:
    if execution["status"] != "RUNNING":
        return
    execution.update(status="TIMED_OUT", stopDate=sfn.now_iso(), error="States.Timeout")
    details = {"executionTimedOutEventDetails": {"error": "States.Timeout"}}
    sfn._add_event(execution, "ExecutionTimedOut", details)
    sfn._emit_execution_status_event(execution)
