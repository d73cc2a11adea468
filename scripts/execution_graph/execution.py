"""An execution: what Step Functions says of it, and its history, counted by state.

An event names the one before it on its path (`previousEventId`). So each event leads back to the
state that it belongs to, also where the items of a Map run at once.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from scripts.bulk.runs import describe_map_run
from scripts.execution_graph.definition import START
from service.stack import Cloud, elapsed_seconds
from service.terminal import UserError


@dataclass(frozen=True)
class Execution:
    """An execution that has ended. `started` is in UTC; `seconds` are those that it took.

    `events` is its history, oldest first; `map_run` is DescribeMapRun's answer about its
    Distributed Map; `counts` are {status: photos} once it has counted them.
    """

    name: str
    machine: str
    status: str
    started: datetime
    seconds: float
    definition: dict
    events: list[dict]
    map_run: dict | None = None
    counts: dict[str, int] = field(default_factory=dict)
    error: str = ""
    cause: str = ""


def load(cloud: Cloud, execution: dict) -> Execution:
    """Read the history of an execution, as DescribeExecution has it. UserError while it runs."""
    if execution["status"] == "RUNNING":
        raise UserError(f"{execution['name']} still runs. Ask again when it has ended.")
    states, arn = cloud.client("stepfunctions"), execution["executionArn"]
    machine = states.describe_state_machine_for_execution(executionArn=arn)
    return Execution(
        name=execution["name"],
        machine=machine["name"],
        status=execution["status"],
        started=execution["startDate"].astimezone(UTC),
        seconds=elapsed_seconds(execution),
        definition=json.loads(machine["definition"]),
        events=list(fetch(states, arn)),
        map_run=describe_map_run(states, arn),
        counts=_read_counts(execution),
        error=execution.get("error", ""),
        cause=execution.get("cause", ""),
    )


def _read_counts(execution: dict) -> dict[str, int]:
    """The `counts` of this service's output, or of the cause with which it fails."""
    for text in (execution.get("output"), execution.get("cause")):
        try:
            counts = json.loads(text or "{}")["counts"]
            return {str(name): int(count) for name, count in counts.items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return {}


@dataclass
class StateCounts:
    """How often a state was entered, and how each entry ended.

    An entry is one of succeeded (left by its Next or End), caught, failed, and stopped (neither
    left nor failed). `attempts` are those of tasks, and starts of Maps; `retried` those after the
    first. `seconds` holds the time from entry to exit of each entry that was left.
    """

    entered: int = 0
    succeeded: int = 0
    caught: int = 0
    retried: int = 0
    failed: int = 0
    stopped: int = 0
    attempts: int = 0
    seconds: list[float] = field(default_factory=list)


@dataclass
class Summary:
    """The counts of a history.

    `states` are by name, without those inside a Distributed Map. `transitions` counts (source,
    target, caught); `items` those of each Map; `errors` (state, error, retried/caught/failed).
    """

    states: defaultdict[str, StateCounts] = field(default_factory=lambda: defaultdict(StateCounts))
    transitions: Counter = field(default_factory=Counter)
    items: Counter = field(default_factory=Counter)
    errors: Counter = field(default_factory=Counter)


@dataclass
class _Entry:
    """An entry into a state. `parent` is the entry into the Map around it."""

    name: str
    type: str
    parent: "_Entry | None"
    began: datetime
    ended: datetime | None = None
    attempts: int = 0
    error: str | None = None  # of an attempt after which none has succeeded
    lost: bool = False  # its error ended the item or the execution

    def find(self, name: str | None) -> "_Entry | None":
        """Itself or the nearest around it of that name; without a name, the nearest open Map."""
        if self.name == name or (name is None and self.type == "Map" and self.ended is None):
            return self
        return self.parent.find(name) if self.parent else None


def fetch(states, execution_arn: str) -> Iterator[dict]:
    """Yield the events of an execution's history, oldest first."""
    pages = states.get_paginator("get_execution_history").paginate(
        executionArn=execution_arn,
        includeExecutionData=False,
        PaginationConfig={"PageSize": 1000},
    )
    return pages.search("events")


def read(events: Iterable[dict]) -> Summary:
    """Summarize the events of an execution that has ended, oldest first."""
    summary = Summary()
    entries: list[_Entry] = []
    entry_of: dict[int, _Entry | None] = {}  # by the event's id
    exits: dict[int, tuple[_Entry, bool]] = {}  # by the event's id; whether caught
    for event in events:
        kind, previous = event["type"], event.get("previousEventId", 0)
        entry = entry_of.get(previous)
        if kind.endswith("StateEntered"):
            name = event["stateEnteredEventDetails"]["name"]
            source, caught = exits.get(previous, (None, False))
            summary.transitions[source.name if source else START, name, caught] += 1
            parent = source.parent if source else entry
            entry = _Entry(name, kind.removesuffix("StateEntered"), parent, event["timestamp"])
            entries.append(entry)
        elif kind.endswith("StateExited"):
            entry = entry and entry.find(event["stateExitedEventDetails"]["name"])
            if entry:
                entry.ended = event["timestamp"]
                if entry.error:
                    summary.errors[entry.name, entry.error, "caught"] += 1
                exits[event["id"]] = entry, entry.error is not None
        elif kind.startswith("Map"):
            entry = _take_map_event(summary, kind, _details(event), entry)
        elif entry is not None:
            _take_attempt(summary, kind, _details(event), entry)
        entry_of[event["id"]] = entry
    for entry in entries:
        _count(summary, entry)
    return summary


def _take_map_event(
    summary: Summary, kind: str, details: dict, inside: _Entry | None
) -> _Entry | None:
    entry = inside and inside.find(details.get("name"))
    if entry is None:
        return inside
    if kind == "MapIterationFailed":
        inside.lost = inside.lost or inside.ended is None
    elif kind == "MapStateStarted":
        entry.attempts, entry.error = entry.attempts + 1, None
        summary.items[entry.name] += details.get("length", 0)
    elif kind.endswith("Failed"):
        entry.error = details.get("error") or entry.error or ""
    return entry


def _take_attempt(summary: Summary, kind: str, details: dict, entry: _Entry) -> None:
    if kind == "TaskScheduled":
        if entry.error:
            summary.errors[entry.name, entry.error, "retried"] += 1
        entry.attempts, entry.error = entry.attempts + 1, None
    elif kind in ("EvaluationFailed", "TaskFailed", "TaskStartFailed", "TaskSubmitFailed"):
        entry.error = details.get("error", "")
    elif kind == "TaskTimedOut":
        entry.error = details.get("error", "States.Timeout")
    elif kind == "ExecutionFailed" and entry.ended is None:
        entry.lost = True


def _count(summary: Summary, entry: _Entry) -> None:
    counts = summary.states[entry.name]
    counts.entered += 1
    counts.attempts += entry.attempts
    counts.retried += max(0, entry.attempts - 1)
    if entry.ended:
        counts.seconds.append((entry.ended - entry.began).total_seconds())
        outcome = "succeeded" if entry.error is None else "caught"
    elif entry.type == "Fail" or entry.lost or entry.error is not None:
        outcome = "failed"
        if entry.error:
            summary.errors[entry.name, entry.error, "failed"] += 1
    else:
        outcome = "stopped"
    setattr(counts, outcome, getattr(counts, outcome) + 1)


def _details(event: dict) -> dict:
    """The event's details; not every type has any."""
    return event.get(f"{event['type'][0].lower()}{event['type'][1:]}EventDetails", {})
