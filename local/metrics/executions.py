"""AWS/States: what became of each execution of a state machine. MiniStack records nothing.

The children of a Distributed Map are no executions of the state machine and are not counted here.
"""

from collections.abc import Callable
from datetime import datetime

from ministack.services import stepfunctions as sfn

from local import seams
from local.metrics import store

NAMESPACE = "AWS/States"
METRICS = {
    "RUNNING": "ExecutionsStarted",
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "ABORTED": "ExecutionsAborted",
    "TIMED_OUT": "ExecutionsTimedOut",
}


def install() -> None:
    """Record each change of an execution's status by StateMachineArn."""
    seams.replace(sfn, "_emit_execution_status_event", changed)


def changed(original: Callable, execution: dict) -> None:
    """Record the status that the execution now has, and its time once it has ended (ms)."""
    points = {METRICS[execution["status"]]: (1, "Count")}
    if execution["stopDate"]:
        begun, ended = (_moment(execution[name]) for name in ("startDate", "stopDate"))
        points["ExecutionTime"] = ((ended - begun).total_seconds() * 1000, "Milliseconds")
    store.record(NAMESPACE, {"StateMachineArn": execution["stateMachineArn"]}, points)
    original(execution)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
