"""What is said of each state and way in a picture: the history, and the Map Runs."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from scripts.graphs import boxes, figures
from scripts.graphs.definition import END, Scope, State, Way
from scripts.graphs.history import Numbers, Told

ITEM_STATUSES = ("succeeded", "failed", "timedOut", "aborted", "running", "pending")
SPELLED = {"timedOut": "timed out"}


@dataclass(frozen=True)
class Story:
    """`map_runs` are DescribeMapRun's answers for each Distributed Map."""

    scope: Scope
    told: Told
    map_runs: dict[str, list[dict]]

    def numbers(self, state: State) -> Numbers | None:
        """What the state did; None where the history does not tell."""
        return self.told.states.get(state.name)

    def unused(self, state: State) -> bool:
        """Whether it is known that the state was not entered."""
        numbers = self.numbers(state)
        return numbers is not None and not numbers.entered

    def passed(self, way: Way, scope: Scope) -> int | None:
        """How many took the scope's way; None where the history does not tell."""
        known = self.told.states
        if not scope.states.keys() <= known.keys():
            return None
        if way.target == END:
            return known[way.source].succeeded
        return self.told.passed[way.source, way.target, way.kind == "catch"]

    @cached_property
    def busiest(self) -> int:
        """The most that passed any way."""
        return max(self.told.passed.values(), default=0)

    def columns(self, state: State) -> boxes.Table:
        """The state's numbers."""
        return boxes.columns(state, self.numbers(state))

    def widths(self, state: State) -> list[float]:
        """Of the columns: the same for all boxes that have the same columns."""
        return self._widths[self.columns(state).captions]

    @cached_property
    def _widths(self) -> dict[tuple, list[float]]:
        shared: dict[tuple, list[float]] = {}
        for state in self.scope.every_state():
            table = self.columns(state)
            known = shared.get(table.captions, [0.0] * len(table.captions))
            shared[table.captions] = [max(pair) for pair in zip(known, table.widths(), strict=True)]
        return shared

    def kind(self, state: State) -> str:
        """The type in a word or two, and how many items a Map has, and how many at once."""
        words = [f"DISTRIBUTED {state.type.upper()}" if state.distributed else state.type.upper()]
        if state.name in self.told.items and not state.distributed:
            words.append(f"{figures.times(self.told.items[state.name])} ITEMS")
        if state.at_once:
            words.append(f"{state.at_once} AT ONCE")
        again = sum(self.told.passed[state.name, state.name, caught] for caught in (False, True))
        if again:
            words.append(f"{figures.times(again)} AGAIN")
        return " · ".join(words)

    def items(self, state: State) -> boxes.Table | None:
        """Items and children of a Distributed Map by status; all Map Runs of the state together."""
        runs = self.map_runs.get(state.name)
        if not runs:
            return None
        rows = {"items": Counter(), "children": Counter()}
        for run in runs:
            rows["items"].update(run["itemCounts"])
            rows["children"].update(run["executionCounts"])
        shown = [
            status
            for status in ITEM_STATUSES
            if status in ("succeeded", "failed") or any(row[status] for row in rows.values())
        ]
        return boxes.Table(
            ("", "total", *(SPELLED.get(status, status) for status in shown)),
            tuple(
                (name, figures.count(row["total"]), *(figures.count(row[s]) for s in shown))
                for name, row in rows.items()
            ),
        )

    def spoken(self, state: State) -> str:
        """The state in a sentence, for who cannot see it or rests the pointer on it."""
        table = self.columns(state)
        pairs = zip(table.captions, table.rows[0], strict=True)
        return f"{state.name} ({state.type}): " + ", ".join(
            f"{caption} {value}" for caption, value in pairs if value
        )
