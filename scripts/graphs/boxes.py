"""What stands in the box of a state: its name, its type in a word, its numbers in columns."""

import statistics
from dataclasses import dataclass

from scripts.graphs import figures
from scripts.graphs.definition import State
from scripts.graphs.history import Numbers
from scripts.graphs.marks import Mark, Words, width

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


def columns(state: State, numbers: Numbers | None) -> Table:
    """What is told of the state: more of one that works than of one that decides or ends."""
    untimed = "" if numbers else figures.UNKNOWN
    numbers = numbers or Numbers(None, None, None, None, None)
    known = {
        "entered": figures.count(numbers.entered),
        "succeeded": figures.count(numbers.succeeded),
        "caught": figures.count(numbers.caught),
        "retried": figures.count(numbers.retried),
        "failed": figures.count(numbers.failed),
        "running": figures.count(numbers.running),
        "stopped": figures.count(numbers.stopped),
        "median": untimed,
        "total": untimed,
    }
    if numbers.seconds:
        known["median"] = figures.duration(statistics.median(numbers.seconds))
        known["total"] = figures.duration(sum(numbers.seconds))
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
            bad = caption in ("failed", "timed out") and cells[i] not in ("0", figures.UNKNOWN)
            colour = PALE if pale else ALARM if bad else INK
            marks.append(Words(x, y + LINE * (row + 1), cells[i], FIGURE, colour, bold=bad))
        x += size + COLUMN_GAP
    return marks
