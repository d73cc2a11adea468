"""What is billed of an execution's history."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from scripts.costs.rules import ENDS


@dataclass(frozen=True)
class History:
    """What an execution did that is billed.

    States `entered`, attempts of each task by its state's name (`tasks`), `retries` among them,
    `items` of its Maps, and the ARNs of its `map_runs`.
    """

    entered: int
    tasks: Counter[str]
    retries: int
    items: int
    map_runs: tuple[str, ...]

    @property
    def transitions(self) -> int:
        """State transitions, without those of a Distributed Map's children: a retry is one too."""
        return ENDS + self.entered + self.retries

    @classmethod
    def read(cls, states, execution_arn: str) -> "History":
        """Read the history of an execution, however long."""
        pages = states.get_paginator("get_execution_history").paginate(
            executionArn=execution_arn, includeExecutionData=False
        )
        return cls.of(event for page in pages for event in page["events"])

    @classmethod
    def of(cls, events: Iterable[dict]) -> "History":
        """Return what the events tell. Each task's attempts lead back to where it was entered."""
        state: dict[int, str] = {}
        entered, items, visits, tasks, map_runs = 0, 0, Counter(), Counter(), []
        for event in events:
            kind = event["type"]
            name = state.get(event.get("previousEventId", 0), "")
            if kind.endswith("StateEntered"):
                name = event["stateEnteredEventDetails"]["name"]
                entered += 1
                visits[name] += 1
            elif kind == "TaskScheduled":
                tasks[name] += 1
            elif kind == "MapStateStarted":
                # A Distributed Map counts its items in its map run.
                items += event.get("mapStateStartedEventDetails", {}).get("length", 0)
            elif kind == "MapRunStarted":
                map_runs.append(event["mapRunStartedEventDetails"]["mapRunArn"])
            state[event["id"]] = name
        # A task that fails before it is scheduled has fewer attempts than visits.
        retries = sum(max(attempts - visits[name], 0) for name, attempts in tasks.items())
        return cls(entered, tasks, retries, items, tuple(map_runs))
