"""The end of an execution before its last state: TimeoutSeconds and StopExecution.

On AWS an execution that takes longer than its definition's TimeoutSeconds ends as TIMED_OUT, one
that is stopped as ABORTED, and no state of either starts any more. MiniStack ignores the
definition's TimeoutSeconds. It does mark a stopped execution, but a Map goes on through all its
items, and the failure of one of them turns ABORTED into FAILED.
"""

import contextvars
import json
import threading
from collections.abc import Callable

from ministack.services import stepfunctions as sfn

from local import seams

# The execution that a thread works for; the threads of a Map's items inherit it.
current: contextvars.ContextVar[dict] = contextvars.ContextVar("execution")


class ExecutionEndedError(Exception):
    """The execution has ended meanwhile. Not an error of its own: no Retry or Catch takes it."""


def install() -> None:
    """End executions as AWS does."""
    seams.replace(sfn, "_run_execution", run)
    seams.replace(sfn, "_fail_execution", fail)
    seams.replace(sfn, "_invoke_resource", while_running)
    for state in ("task", "map", "parallel", "pass", "choice", "wait"):
        seams.replace(sfn, f"_execute_{state}", while_running)


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


def fail(original: Callable, execution: dict, error: str, cause: str) -> None:
    """End the execution as FAILED unless it has ended."""
    if execution["status"] == "RUNNING":
        original(execution, error, cause)


def mark_failed(execution: dict, error: str, cause: str) -> None:
    """Make the execution one that has FAILED."""
    output = json.dumps({"Error": error, "Cause": cause})
    execution.update(
        status="FAILED", error=error, cause=cause, output=output, stopDate=sfn.now_iso()
    )


def while_running(original: Callable, *arguments: object) -> object:
    """Enter a state or call a task; raises ExecutionEndedError once the execution has ended."""
    if not running(current.get()):
        raise ExecutionEndedError
    return original(*arguments)


def running(execution: dict) -> bool:
    """Whether neither the execution has ended nor one that it is a child of."""
    return execution["status"] == "RUNNING" and (
        "parent" not in execution or running(execution["parent"])
    )


def _time_out(execution: dict) -> None:
    if execution["status"] != "RUNNING":
        return
    execution.update(status="TIMED_OUT", stopDate=sfn.now_iso(), error="States.Timeout")
    details = {"executionTimedOutEventDetails": {"error": "States.Timeout"}}
    sfn._add_event(execution, "ExecutionTimedOut", details)
    sfn._emit_execution_status_event(execution)
