"""What each state of an execution did, from the events of its history.

An event names the one before it on its path (`previousEventId`). Going back along these leads from
each event to the state that it belongs to, also where the items of a Map run at once.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from scripts.execution_graph.definition import START, Scope


@dataclass
class Numbers:
    """What a state did.

    Every entry is one of succeeded (left by its Next or End), caught, failed, running and stopped
    (neither left nor failed when the execution ended). `retried` counts attempts after the first.
    `seconds` holds the time from entry to exit of each that was left, with all retries.
    """

    entered: int = 0
    succeeded: int = 0
    caught: int = 0
    retried: int = 0
    failed: int = 0
    running: int = 0
    stopped: int = 0
    seconds: list[float] = field(default_factory=list)


@dataclass
class Summary:
    """What a history holds.

    `states` lacks those inside a Distributed Map that was entered: their history is that of other
    executions. `passed` counts (source, target, caught); `items` those of each Map that started;
    `errors` (state, error, outcome: retried, caught or failed). `map_runs` has the state of each
    Map Run's ARN.
    """

    states: dict[str, Numbers]
    passed: Counter = field(default_factory=Counter)
    items: Counter = field(default_factory=Counter)
    errors: Counter = field(default_factory=Counter)
    map_runs: dict[str, str] = field(default_factory=dict)


@dataclass
class _Entry:
    """One passage through a state. `parent` is the passage through the Map that it is inside of."""

    name: str
    type: str
    parent: "_Entry | None"
    at: datetime
    left: datetime | None = None
    attempts: int = 0
    error: str | None = None  # of an attempt after which none has succeeded
    lost: bool = False  # its error ended the item or the execution

    def up(self, name: str | None) -> "_Entry | None":
        """Itself or the nearest around it of that name; without one, the nearest Map not left."""
        if self.name == name or (name is None and self.type == "Map" and self.left is None):
            return self
        return self.parent.up(name) if self.parent else None


def read(events: Iterable[dict], scope: Scope, ended: bool) -> Summary:
    """Read a history, oldest event first. `ended` says whether the execution has."""
    reader = _Reader()
    for event in events:
        reader.take(event)
    return reader.summarize(scope, ended)


class _Reader:
    def __init__(self):
        self._summary = Summary({})
        self._entries: list[_Entry] = []
        self._entry_of: dict[int, _Entry | None] = {}  # by the event's id
        self._exits: dict[int, tuple[_Entry, bool]] = {}  # by the event's id; whether caught

    def take(self, event: dict) -> None:
        kind, previous = event["type"], event.get("previousEventId", 0)
        entry = self._entry_of.get(previous)
        if kind.endswith("StateEntered"):
            entry = self._enter(event, previous, entry)
        elif kind.endswith("StateExited"):
            entry = self._exit(event, entry)
        elif kind.startswith("Map"):
            entry = self._map(kind, event, entry)
        elif entry is not None:
            self._attempt(kind, event, entry)
        self._entry_of[event["id"]] = entry

    def _enter(self, event: dict, previous: int, around: _Entry | None) -> _Entry:
        name = event["stateEnteredEventDetails"]["name"]
        source, caught = self._exits.get(previous, (None, False))
        self._summary.passed[source.name if source else START, name, caught] += 1
        kind = event["type"].removesuffix("StateEntered")
        entry = _Entry(name, kind, source.parent if source else around, event["timestamp"])
        self._entries.append(entry)
        return entry

    def _exit(self, event: dict, inside: _Entry | None) -> _Entry | None:
        entry = inside and inside.up(event["stateExitedEventDetails"]["name"])
        if entry:
            entry.left = event["timestamp"]
            if entry.error:
                self._summary.errors[entry.name, entry.error, "caught"] += 1
            self._exits[event["id"]] = entry, entry.error is not None
        return entry

    def _map(self, kind: str, event: dict, inside: _Entry | None) -> _Entry | None:
        details = _details(event)
        entry = inside and inside.up(details.get("name"))
        if entry is None:
            return inside
        if kind == "MapIterationFailed":
            inside.lost = inside.lost or inside.left is None
        elif kind == "MapStateStarted":
            entry.attempts, entry.error = entry.attempts + 1, None
            self._summary.items[entry.name] += details.get("length", 0)
        elif kind in ("MapRunStarted", "MapRunRedriven"):
            self._summary.map_runs[details["mapRunArn"]] = entry.name
        elif kind.endswith("Failed"):
            entry.error = details.get("error") or entry.error or ""
        return entry

    def _attempt(self, kind: str, event: dict, entry: _Entry) -> None:
        if kind == "TaskScheduled":
            if entry.error:
                self._summary.errors[entry.name, entry.error, "retried"] += 1
            entry.attempts, entry.error = entry.attempts + 1, None
        elif kind in ("EvaluationFailed", "TaskFailed", "TaskStartFailed", "TaskSubmitFailed"):
            entry.error = _details(event).get("error", "")
        elif kind == "TaskTimedOut":
            entry.error = _details(event).get("error", "States.Timeout")
        elif kind == "ExecutionFailed" and entry.left is None:
            entry.lost = True

    def summarize(self, scope: Scope, ended: bool) -> Summary:
        entered = {entry.name for entry in self._entries}
        elsewhere = {
            inner.name
            for state in scope.every_state()
            if state.inside and state.distributed and state.name in entered
            for inner in state.inside.every_state()
        }
        names = [state.name for state in scope.every_state()]
        self._summary.states = {name: Numbers() for name in names if name not in elsewhere}
        for entry in self._entries:
            if entry.name in self._summary.states:
                self._count(self._summary.states[entry.name], entry, ended)
        return self._summary

    def _count(self, numbers: Numbers, entry: _Entry, ended: bool) -> None:
        numbers.entered += 1
        numbers.retried += max(0, entry.attempts - 1)
        if entry.left:
            numbers.seconds.append((entry.left - entry.at).total_seconds())
            outcome = "succeeded" if entry.error is None else "caught"
        elif entry.type == "Fail" or entry.lost or (entry.error is not None and ended):
            outcome = "failed"
            if entry.error:
                self._summary.errors[entry.name, entry.error, "failed"] += 1
        else:
            outcome = "stopped" if ended else "running"
        setattr(numbers, outcome, getattr(numbers, outcome) + 1)


def _details(event: dict) -> dict:
    """What the event says beside its type; not every type says anything."""
    return event.get(f"{event['type'][0].lower()}{event['type'][1:]}EventDetails", {})
