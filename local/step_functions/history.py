"""The history of an execution.

MiniStack's events name none before them, and inside a Map it records only the attempts of tasks,
without the state or the item that they belong to. Here states inside a Map are recorded too, if
without their input and output: the tasks' events hold what came of them. Children of a Distributed
Map are Express executions, whose history AWS does not keep either.
"""

import contextvars
import json
import threading
from collections.abc import Callable

from ministack.services import stepfunctions as sfn

from local import seams
from local.step_functions import executions

LIMIT = 25_000


class _Path:
    """A chain of events: that of an execution, or of one item of a Map."""

    def __init__(self, last: int):
        self.last = last


class _Watched(dict):
    """States that record which of them is entered and exited, as they are asked for in turn."""

    def __init__(self, states: dict, execution: dict):
        super().__init__(states)
        self._execution = execution
        self._inside: str | None = None

    def get(self, name: str, default: object = None) -> object:
        self.exit()
        if name in self:
            self._add("Entered", name)
            self._inside = name
        return super().get(name, default)

    def exit(self) -> None:
        if self._inside is not None:
            self._add("Exited", self._inside)
            self._inside = None

    def _add(self, change: str, name: str) -> None:
        details = {f"state{change}EventDetails": {"name": name}}
        sfn._add_event(self._execution, f"{self[name]['Type']}State{change}", details)


_path: contextvars.ContextVar[_Path] = contextvars.ContextVar("path")
_adding = threading.Lock()

_ENDS = ("ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut")
_REACHED = f"The execution reached the maximum number of history events ({LIMIT})."


@seams.replaces(sfn, "_run_execution")
def run(original: Callable, arn: str) -> None:
    """Run the execution, whose first state follows no event."""
    _path.set(_Path(0))
    original(arn)


@seams.replaces(sfn, "_add_event")
def add(original: Callable, execution: dict, kind: str, details: dict | None = None) -> dict:
    """Add an event after the last one of its path. An abort or a time-out follows none.

    Raises ExecutionEndedError where the history has reached its limit: the event that would be the
    last then ends the execution.
    """
    if "parent" in execution:
        return original(execution, kind, details)
    path = _path.get(None)
    if path is None or kind in ("ExecutionAborted", "ExecutionTimedOut"):
        path = _Path(0)
    with _adding:
        recorded = len(execution["events"])
        room = LIMIT if kind == "ExecutionSucceeded" else LIMIT - 1
        machine = sfn._state_machines.get(execution["stateMachineArn"]) or {}
        full = recorded >= room and machine.get("type") != "EXPRESS"
        if full and recorded >= LIMIT:
            raise executions.ExecutionEndedError
        if full:
            failed = {"error": "States.Runtime", "cause": _REACHED}
            details = {"previousEventId": recorded, "executionFailedEventDetails": failed}
            event = original(execution, "ExecutionFailed", details)
            output = json.dumps({"Error": failed["error"], "Cause": failed["cause"]})
            execution.update(status="FAILED", output=output, stopDate=sfn.now_iso(), **failed)
        else:
            event = original(execution, kind, {"previousEventId": path.last, **(details or {})})
    path.last = event["id"]
    if full and kind not in _ENDS:  # else the caller emits the event
        sfn._emit_execution_status_event(execution)
        raise executions.ExecutionEndedError
    return event


@seams.replaces(sfn, "_jsonata_state_field")
def evaluate(original: Callable, state: dict, field: str, *arguments: object) -> object:
    """The field's value. A Map starts when it has its items; its execution is the thread's."""
    value = original(state, field, *arguments)
    if field == "Items":
        details = {"mapStateStartedEventDetails": {"length": len(value)}}
        sfn._add_event(executions.current.get(), "MapStateStarted", details)
    return value


@seams.replaces(sfn, "_run_map_items")
def run_map(original: Callable, state: dict, state_input: object, execution: dict, context: dict):
    """The Map's output and the next state. A Distributed Map's items are no part of the history."""
    processor = state.get("ItemProcessor", {})
    distributed = processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED"
    if distributed:
        sfn._add_event(execution, "MapStateStarted")
    try:
        result = original(state, state_input, execution, context)
    except sfn._ExecutionError:
        sfn._add_event(execution, "MapStateFailed")
        raise
    sfn._add_event(execution, "MapStateSucceeded")
    return result


@seams.replaces(sfn, "_run_sub_machine")
def run_states(original, states, start, value, execution, context) -> object:
    """The output of the states inside a Map for one item."""
    if "Map" not in context or "parent" in execution:
        return original(states, start, value, execution, context)
    name = context["State"]["Name"]
    outer, path = _path.get(), _Path(_path.get().last)
    _path.set(path)

    def add(change: str) -> None:
        details = {"name": name, "index": context["Map"]["Item"]["Index"]}
        key = f"mapIteration{change}EventDetails"
        sfn._add_event(execution, f"MapIteration{change}", {key: details})

    add("Started")
    watched = _Watched(states, execution)
    try:
        output = original(watched, start, value, execution, context)
        watched.exit()
        add("Succeeded")
    except sfn._ExecutionError:
        add("Failed")
        raise
    finally:
        outer.last = path.last
    return output
