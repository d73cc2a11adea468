"""What stands in the box of a state, and beside the ways between: words and numbers."""

import statistics
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from scripts.execution_graph.definition import END, Scope, State, Way
from scripts.execution_graph.drawing import Mark, Words, width
from scripts.execution_graph.history import Numbers, Told

UNKNOWN = "\N{EN DASH}"

INK, QUIET, PALE, ALARM = "#1f2328", "#57606a", "#8c959f", "#b42318"
COLOURS = {  # fill and border
    "Task": ("#fff4e5", "#b35900"),
    "Choice": ("#e7f2f8", "#0b6a8f"),
    "Succeed": ("#e9f6ec", "#1a7f37"),
    "Fail": ("#fdeceb", "#b42318"),
}
PLAIN = ("#ffffff", "#57606a")
UNUSED = ("#fbfcfd", "#c5ccd3")

WORKING = ("entered", "succeeded", "caught", "retried", "failed", "median", "total")
PASSING = ("entered", "median", "total")
ENDING = ("entered",)
CAPTIONS = {
    "Succeed": ENDING,
    "Fail": ENDING,
    "Choice": PASSING,
    "Pass": PASSING,
    "Wait": PASSING,
}

NAME, TYPE, CAPTION, FIGURE = 13, 9, 9, 12
PADDING, COLUMN_GAP = 12, 12
HEIGHT = 66
LINE = 15  # of a table

MAP_RUN_STATUSES = ("succeeded", "failed", "timedOut", "aborted", "running", "pending")
SPELLED = {"timedOut": "timed out"}


def times(number: int | None) -> str:
    """How often something happened."""
    return f"\N{MULTIPLICATION SIGN}{count(number)}"


def count(number: int | None) -> str:
    """A number with thousands set apart."""
    return UNKNOWN if number is None else f"{number:,}"


def duration(seconds: float) -> str:
    """A time in the unit that suits it: 7 ms, 1.24 s, 2 min 05 s, 3 h 07 min."""
    if seconds < 0.9995:
        return f"{round(seconds * 1000)} ms"
    if seconds < 99.95:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours < 48 else f"{hours / 24:.1f} days"


@dataclass(frozen=True)
class Table:
    """Rows of figures below captions; the first column may name the row."""

    captions: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def widths(self) -> list[float]:
        """Of each column."""
        return [
            max(width(caption, CAPTION), *(width(row[i], FIGURE, bold=True) for row in self.rows))
            for i, caption in enumerate(self.captions)
        ]


def table_columns(state: State, numbers: Numbers | None) -> Table:
    """What is told of the state: more of one that works than of one that decides or ends."""
    untimed = "" if numbers else UNKNOWN
    numbers = numbers or Numbers(None, None, None, None, None)
    known = {
        "entered": count(numbers.entered),
        "succeeded": count(numbers.succeeded),
        "caught": count(numbers.caught),
        "retried": count(numbers.retried),
        "failed": count(numbers.failed),
        "running": count(numbers.running),
        "stopped": count(numbers.stopped),
        "median": untimed,
        "total": untimed,
    }
    if numbers.seconds:
        known["median"] = duration(statistics.median(numbers.seconds))
        known["total"] = duration(sum(numbers.seconds))
    captions = CAPTIONS.get(state.type, WORKING)
    # What hardly ever happens to a state shows only where it did.
    unusual = ("running", "stopped") if captions == ENDING else ("failed", "running", "stopped")
    shown = [
        name for name in known if name in captions or (name in unusual and getattr(numbers, name))
    ]
    return Table(tuple(shown), (tuple(known[name] for name in shown),))


def colours(state: State, pale: bool) -> tuple[str, str]:
    """Fill and border."""
    return UNUSED if pale else COLOURS.get(state.type, PLAIN)


def least_width(state: State, widths: list[float], kind: str) -> float:
    """How wide the box must be for its heading and its columns."""
    heading = width(state.name, NAME, bold=True) + 18 + width(kind, TYPE, bold=True)
    return 2 * PADDING + max(heading, sum(widths) + COLUMN_GAP * (len(widths) - 1))


def heading(state: State, x: float, y: float, size: float, pale: bool, kind: str) -> list[Mark]:
    """Name at the left, type at the right."""
    return [
        Words(x + PADDING, y + 21, state.name, NAME, PALE if pale else INK, bold=True),
        Words(x + size - PADDING, y + 20, kind, TYPE, PALE if pale else QUIET, True, "end"),
    ]


def table(content: Table, widths: list[float], x: float, y: float, pale: bool) -> list[Mark]:
    """The captions, and the figures below them; `y` is the base line of the captions."""
    marks: list[Mark] = []
    for i, (caption, size) in enumerate(zip(content.captions, widths, strict=True)):
        if caption:
            marks.append(Words(x, y, caption, CAPTION, PALE if pale else QUIET))
        for row, cells in enumerate(content.rows):
            if not cells[i]:
                continue
            bad = caption in ("failed", "timed out") and cells[i] not in ("0", UNKNOWN)
            colour = PALE if pale else ALARM if bad else INK
            marks.append(Words(x, y + LINE * (row + 1), cells[i], FIGURE, colour, bold=bad))
        x += size + COLUMN_GAP
    return marks


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

    def columns(self, state: State) -> Table:
        """The state's numbers."""
        return table_columns(state, self.numbers(state))

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
            words.append(f"{times(self.told.items[state.name])} ITEMS")
        if state.at_once:
            words.append(f"{state.at_once} AT ONCE")
        again = sum(self.told.passed[state.name, state.name, caught] for caught in (False, True))
        if again:
            words.append(f"{times(again)} AGAIN")
        return " · ".join(words)

    def items(self, state: State) -> Table | None:
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
            for status in MAP_RUN_STATUSES
            if status in ("succeeded", "failed") or any(row[status] for row in rows.values())
        ]
        return Table(
            ("", "total", *(SPELLED.get(status, status) for status in shown)),
            tuple(
                (name, count(row["total"]), *(count(row[s]) for s in shown))
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
