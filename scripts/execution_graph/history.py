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
    """What a state did. None is what the history does not tell.

    Every entry is one of succeeded (left by its Next or End), caught, failed, running and stopped
    (neither left nor failed when the execution ended). `retried` counts attempts after the first.
    `seconds` holds the time from entry to exit of each that was left, with all retries.
    """

    entered: int = 0
    succeeded: int | None = 0
    caught: int | None = 0
    failed: int | None = 0
    retried: int | None = 0
    running: int = 0
    stopped: int = 0
    seconds: list[float] = field(default_factory=list)


@dataclass
class Told:
    """All that a history tells.

    `states` lacks those of which it tells nothing. `passed` counts (source, target, caught);
    `items` those of each Map that started; `errors` (state, error, what became of it: retried,
    caught or failed). `map_runs` has the state of each Map Run's ARN.
    """

    states: dict[str, Numbers]
    passed: Counter
    items: Counter
    errors: Counter
    map_runs: dict[str, str]


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


def read(events: Iterable[dict], scope: Scope, ended: bool) -> Told:
    """Read a history, oldest event first. `ended` says whether the execution has."""
    reader = _Reader()
    for event in events:
        reader.take(event)
    return reader.told(scope, ended)


class _Reader:
    def __init__(self):
        self._entries: list[_Entry] = []
        self._of: dict[int, _Entry | None] = {}  # of each event
        self._exits: dict[int, tuple[_Entry, bool]] = {}
        self._passed: Counter = Counter()
        self._errors: Counter = Counter()
        self._items: Counter = Counter()
        self._map_runs: dict[str, str] = {}

    def take(self, event: dict) -> None:
        kind, previous = event["type"], event.get("previousEventId", 0)
        inside = self._of.get(previous)
        if kind.endswith("StateEntered"):
            inside = self._enter(event, previous, inside)
        elif kind.endswith("StateExited"):
            inside = self._exit(event, inside)
        elif kind.startswith("Map"):
            inside = self._map(kind, event, inside)
        elif inside is not None:
            self._attempt(kind, event, inside)
        self._of[event["id"]] = inside

    def _enter(self, event: dict, previous: int, inside: _Entry | None) -> _Entry:
        name = event["stateEnteredEventDetails"]["name"]
        source, caught = self._exits.get(previous, (None, False))
        self._passed[source.name if source else START, name, caught] += 1
        parent = source.parent if source else inside
        kind = event["type"].removesuffix("StateEntered")
        entry = _Entry(name, kind, parent, event["timestamp"])
        self._entries.append(entry)
        return entry

    def _exit(self, event: dict, inside: _Entry | None) -> _Entry | None:
        entry = inside and inside.up(event["stateExitedEventDetails"]["name"])
        if entry:
            entry.left = event["timestamp"]
            if entry.error:
                self._errors[entry.name, entry.error, "caught"] += 1
            self._exits[event["id"]] = entry, entry.error is not None
        return entry

    def _map(self, kind: str, event: dict, inside: _Entry | None) -> _Entry | None:
        details = _details(event)
        outer = inside and inside.up(details.get("name"))
        if outer is None:
            return inside
        if kind == "MapIterationFailed":
            inside.lost = inside.lost or inside.left is None
        elif kind == "MapStateStarted":
            outer.attempts, outer.error = outer.attempts + 1, None
            self._items[outer.name] += details.get("length", 0)
        elif kind in ("MapRunStarted", "MapRunRedriven"):
            self._map_runs[details["mapRunArn"]] = outer.name
        elif kind.endswith("Failed"):
            outer.error = details.get("error") or outer.error or ""
        return outer

    def _attempt(self, kind: str, event: dict, inside: _Entry) -> None:
        if kind == "TaskScheduled":
            if inside.error:
                self._errors[inside.name, inside.error, "retried"] += 1
            inside.attempts, inside.error = inside.attempts + 1, None
        elif kind == "EvaluationFailed" or (
            kind.startswith("Task") and kind.endswith(("Failed", "TimedOut"))
        ):
            inside.error = _details(event).get("error") or "States.Timeout" * kind.endswith(
                "TimedOut"
            )
        elif kind == "ExecutionFailed" and inside.left is None:
            inside.lost = True

    def told(self, scope: Scope, ended: bool) -> Told:
        unknown = {
            inner.name
            for state in scope.every_state()
            if state.inside and self._untold(state.name, state.distributed)
            for inner in state.inside.every_state()
        }
        numbers = {
            state.name: Numbers() for state in scope.every_state() if state.name not in unknown
        }
        for entry in self._entries:
            if entry.name in numbers:
                self._count(numbers[entry.name], entry, ended)
        return Told(numbers, self._passed, self._items, self._errors, self._map_runs)

    def _untold(self, name: str, distributed: bool) -> bool:
        """Whether a Map was entered and nothing is told of the states inside."""
        entered = any(entry.name == name for entry in self._entries)
        return entered and (distributed or name not in self._items)

    def _count(self, numbers: Numbers, entry: _Entry, ended: bool) -> None:
        numbers.entered += 1
        works = entry.type in ("Task", "Map", "Parallel")
        if works and entry.left and not entry.attempts and entry.error is None:
            numbers.succeeded = numbers.caught = numbers.failed = numbers.retried = None
        if numbers.retried is not None:
            numbers.retried += max(0, entry.attempts - 1)
        if entry.left:
            numbers.seconds.append((entry.left - entry.at).total_seconds())
            outcome = "succeeded" if entry.error is None else "caught"
        elif entry.type == "Fail" or entry.lost or (entry.error is not None and ended):
            outcome = "failed"
            if entry.error:
                self._errors[entry.name, entry.error, "failed"] += 1
        else:
            outcome = "stopped" if ended else "running"
        if getattr(numbers, outcome) is not None:
            setattr(numbers, outcome, getattr(numbers, outcome) + 1)


def _details(event: dict) -> dict:
    """What the event says beside its type; not every type says anything."""
    return event.get(f"{event['type'][0].lower()}{event['type'][1:]}EventDetails", {})
