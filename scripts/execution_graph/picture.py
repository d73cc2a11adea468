"""The picture of an execution: its scopes laid out, its outcome, what went wrong, a legend."""

import math
import textwrap
from collections.abc import Sequence

from scripts.execution_graph import boxes
from scripts.execution_graph.boxes import Story
from scripts.execution_graph.definition import END, START, Scope, State, Way, parse
from scripts.execution_graph.drawing import (
    Box,
    Drawing,
    Line,
    Mark,
    Point,
    Words,
    shorten,
    tip_length,
    width,
)
from scripts.execution_graph.execution import Execution
from scripts.execution_graph.history import Told, read
from scripts.execution_graph.layout import Layout, Link, place

STRAIGHT = {"next": 8, "choice": 2, "catch": 1}
FRAME_PADDING = 20
ROUND_HEIGHT = 22
LABEL, LABEL_LINE = 10.5, 13
LABEL_CHARACTERS, LABEL_LINES = 30, 3
TAKEN, UNTAKEN, BACKGROUND = "#57606a", "#c5ccd3", "#f6f8fa"
THINNEST, THICKEST = 1.2, 5.0
MANY = 25  # fewer than so many never make a thick line

MARGIN = 28
LEAST_WIDTH = 720
MOST_ERRORS = 8
EXECUTION_STATUSES = {  # sign and colour
    "SUCCEEDED": ("✓", "#1a7f37"),
    "RUNNING": ("…", "#0b6a8f"),
    "FAILED": ("✕", "#b42318"),
    "TIMED_OUT": ("✕", "#b42318"),
    "ABORTED": ("■", "#57606a"),
}


class Picture:
    """A scope with a place for everything, its left top corner at the origin."""

    def __init__(self, scope: Scope, story: Story):
        self._scope, self._story = scope, story
        self._frames = {
            state.name: Picture(state.inside, story)
            for state in scope.states.values()
            if state.inside
        }
        ends = any(way.target == END for way in scope.ways)
        sizes = {name: self._size(state) for name, state in scope.states.items()}
        sizes |= {node: self._round_size(node) for node in (START, END) if node == START or ends}
        reached = _reached(scope.ways)
        self._sizes = {node: size for node, size in sizes.items() if node in reached}
        self._drawn = [
            way for way in scope.ways if way.source in reached and way.source != way.target
        ]
        links = [
            Link(way.source, way.target, self._label_size(way), STRAIGHT[way.kind])
            for way in self._drawn
        ]
        self._layout: Layout = place(self._sizes, links, START)
        self.width, self.height = self._layout.width, self._layout.height

    def marks(self, x: float, y: float) -> list[Mark]:
        """Everything, moved there: lines below boxes."""
        lines, labels = [], []
        layout = self._layout
        for way, points, middle in zip(self._drawn, layout.lines, layout.labels, strict=True):
            passed = self._story.passed(way, self._scope)
            lines.append(self._line(way, passed, [(x + px, y + py) for px, py in points]))
            labels += self._label(way, passed, (x + middle[0], y + middle[1]))
        # Ways that were taken lie above those that were not.
        lines.sort(key=lambda line: (line.stroke == TAKEN, line.thickness))
        drawn: list[Mark] = [*lines, *labels]
        for node, (left, top) in layout.boxes.items():
            drawn += self._node(node, (x + left, y + top))
        return drawn

    def _size(self, state: State) -> tuple[float, float]:
        least = boxes.least_width(state, self._story.widths(state), self._story.kind(state))
        if not state.inside:
            return least, boxes.HEIGHT
        frame = self._frames[state.name]
        inner = frame.width + 2 * FRAME_PADDING
        items = self._story.items(state)
        if items:
            wide = sum(items.widths()) + boxes.COLUMN_GAP * (len(items.captions) - 1)
            inner = max(inner, wide + 2 * boxes.PADDING)
        return max(least, inner), self._above(state) + frame.height + FRAME_PADDING

    def _above(self, state: State) -> float:
        """The height of a frame's heading."""
        items = self._story.items(state)
        return boxes.HEIGHT + 10 + (boxes.LINE * (len(items.rows) + 1) + 10 if items else 0)

    def _round_size(self, node: str) -> tuple[float, float]:
        return width(self._round_text(node), LABEL, bold=True) + 24, ROUND_HEIGHT

    def _round_text(self, node: str) -> str:
        ways = [way for way in self._scope.ways if node in (way.source, way.target)]
        counts = [self._story.passed(way, self._scope) for way in ways]
        number = None if None in counts else sum(counts)
        return f"{'start' if node == START else 'end'}  {boxes.times(number)}"

    def _label_size(self, way: Way) -> tuple[float, float]:
        lines = self._label_lines(way, self._story.passed(way, self._scope))
        if not lines:
            return (0, 0)
        wide = max(width(line, LABEL, bold=True) for line in lines) + 12
        return wide, LABEL_LINE * len(lines) + 5

    def _line(self, way: Way, passed: int | None, points: list[Point]) -> Line:
        share = math.sqrt(passed / max(MANY, self._story.busiest)) if passed else 0
        thickness = THINNEST + (THICKEST - THINNEST) * share
        (_, py), (x, y) = points[-2:]
        points[-1] = (x, y - math.copysign(tip_length(thickness), y - py))
        colour = UNTAKEN if passed == 0 else TAKEN
        return Line(tuple(points), colour, thickness, dashed=way.kind == "catch")

    def _label_lines(self, way: Way, passed: int | None) -> list[str]:
        if not way.label:
            return []
        text = f"{way.label}  {boxes.times(passed)}"
        return textwrap.wrap(
            text,
            LABEL_CHARACTERS,
            max_lines=LABEL_LINES,
            placeholder=f" …  {boxes.times(passed)}",
        )

    def _label(self, way: Way, passed: int | None, middle: Point) -> list[Mark]:
        lines = self._label_lines(way, passed)
        if not lines:
            return []
        size = self._label_size(way)
        x, y = middle[0] - size[0] / 2, middle[1] - size[1] / 2
        colour = boxes.PALE if passed == 0 else boxes.INK
        texts = [
            Words(middle[0], y + 12 + LABEL_LINE * i, line, LABEL, colour, anchor="middle")
            for i, line in enumerate(lines)
        ]
        whole = f"{way.label}: {boxes.count(passed)}"
        return [Box(x, y, *size, BACKGROUND, radius=6, title=whole), *texts]

    def _node(self, node: str, corner: Point) -> list[Mark]:
        size = self._sizes[node]
        if node in (START, END):
            text = self._round_text(node)
            unused = text.endswith(boxes.times(0))
            return [
                Box(*corner, *size, "#ffffff", UNTAKEN if unused else TAKEN, radius=11),
                Words(
                    corner[0] + size[0] / 2,
                    corner[1] + 15,
                    text,
                    LABEL,
                    boxes.PALE if unused else boxes.INK,
                    anchor="middle",
                ),
            ]
        state = self._scope.states[node]
        return [*self._box(state, corner, size), *self._inside(state, corner, size)]

    def _box(self, state: State, corner: Point, size: tuple[float, float]) -> list[Mark]:
        (x, y), story = corner, self._story
        pale = story.unused(state)
        fill, border = boxes.colours(state, pale)
        radius = 12 if state.inside else 8
        return [
            Box(x, y, *size, fill, border, radius, thickness=1.2, title=story.spoken(state)),
            *boxes.heading(state, x, y, size[0], pale, story.kind(state)),
            *boxes.table(
                story.columns(state), story.widths(state), x + boxes.PADDING, y + 38, pale
            ),
        ]

    def _inside(self, state: State, corner: Point, size: tuple[float, float]) -> list[Mark]:
        """What is in the box of a Map below its heading."""
        if not state.inside:
            return []
        (x, y), above = corner, self._above(state)
        marks: list[Mark] = []
        items = self._story.items(state)
        if items:
            pale = self._story.unused(state)
            marks += boxes.table(items, items.widths(), x + boxes.PADDING, y + 75, pale)
        frame = self._frames[state.name]
        return [
            *marks,
            Box(x + 6, y + above - 8, size[0] - 12, size[1] - above + 2, BACKGROUND, radius=8),
            *frame.marks(x + (size[0] - frame.width) / 2, y + above),
        ]


def _reached(ways: Sequence[Way]) -> set[str]:
    reached = {START}
    for _ in ways:
        reached |= {way.target for way in ways if way.source in reached}
    return reached


def draw(execution: Execution) -> Drawing:
    """Draw the execution."""
    scope = parse(execution.definition)
    told = read(execution.events, scope, ended=execution.status != "RUNNING")
    story = Story(scope, told, _by_state(execution, told))
    states = Picture(scope, story)
    size = max(LEAST_WIDTH, states.width + 2 * MARGIN)
    marks, y = _heading(execution, size)
    marks += states.marks((size - states.width) / 2, y)
    y += states.height + 26
    errors, y = _errors(told, y, size)
    marks += errors
    legend, y = _legend(
        y, size, unknown=any(s.name not in told.states for s in scope.every_state())
    )
    marks += legend
    background = Box(0, 0, size, y, BACKGROUND, radius=10)
    return Drawing(
        size, y, (background, *marks), f"Execution {execution.name}", _description(execution, told)
    )


def _by_state(execution: Execution, told: Told) -> dict[str, list[dict]]:
    """The Map Runs of each Distributed Map."""
    found: dict[str, list[dict]] = {}
    for run in execution.map_runs:
        if run["mapRunArn"] in told.map_runs:
            found.setdefault(told.map_runs[run["mapRunArn"]], []).append(run)
    return found


def _heading(execution: Execution, size: float) -> tuple[list[Mark], float]:
    """The name, the status, when, how long and what came out; and where the states may begin."""
    sign, colour = EXECUTION_STATUSES[execution.status]
    status = f"{sign} {execution.status.replace('_', ' ')}"
    if not execution.stopped:
        status += " so far"
    pill = width(status, 11, bold=True) + 22
    name = shorten(execution.name, size - 2 * MARGIN - pill - 20, 19, bold=True)
    marks: list[Mark] = [
        Words(MARGIN, 44, name, 19, bold=True),
        Words(MARGIN, 64, shorten(execution.machine, size - 2 * MARGIN, 12), 12, boxes.QUIET),
        Box(size - MARGIN - pill, 27, pill, 24, colour, radius=12),
        Words(size - MARGIN - pill / 2, 43, status, 11, "#ffffff", bold=True, anchor="middle"),
    ]
    facts = [
        ("started", f"{execution.started:%Y-%m-%d %H:%M:%S} UTC"),
        ("duration", boxes.duration(execution.seconds)),
        *((name, boxes.count(number)) for name, number in execution.counts.items()),
    ]
    if not execution.stopped:
        facts.insert(1, ("as of", f"{execution.looked:%H:%M:%S} UTC"))
    x = MARGIN
    for caption, value in facts:
        bad = caption == "failed" and value != "0"
        marks += [
            Words(x, 88, caption, 10, boxes.QUIET),
            Words(x, 106, value, 14, boxes.ALARM if bad else boxes.INK, bold=True),
        ]
        x += max(width(caption, 10), width(value, 14, bold=True)) + 26
    y = 118
    if execution.error or execution.cause:
        text = ": ".join(part for part in (execution.error, execution.cause) if part)
        characters = int((size - 2 * MARGIN) / 7)
        for line in textwrap.wrap(text, characters, max_lines=3, placeholder=" …"):
            y += 16
            marks.append(Words(MARGIN, y, shorten(line, size - 2 * MARGIN, 11), 11, boxes.ALARM))
        y += 6
    marks.append(Line(((MARGIN, y + 4), (size - MARGIN, y + 4)), UNTAKEN, 1, tip=False))
    return marks, y + 24


def _errors(told: Told, y: float, size: float) -> tuple[list[Mark], float]:
    """Which errors there were, the most frequent first."""
    if not told.errors:
        return [], y
    marks: list[Mark] = [Words(MARGIN, y + 12, "Errors", 12, bold=True)]
    y += 18
    most = told.errors.most_common(MOST_ERRORS)
    room = size - 2 * MARGIN - 60
    for (state, error, outcome), number in most:
        y += 17
        text = shorten(f"{error} in {state}, {outcome}", room, 11)
        marks += [
            Words(MARGIN + 40, y, boxes.count(number), 11, bold=True, anchor="end"),
            Words(MARGIN + 52, y, text, 11),
        ]
    if len(told.errors) > MOST_ERRORS:
        y += 17
        more = f"and {len(told.errors) - MOST_ERRORS} other kinds"
        marks.append(Words(MARGIN + 52, y, more, 11, boxes.QUIET))
    return marks, y + 22


def _legend(y: float, size: float, unknown: bool) -> tuple[list[Mark], float]:
    entries = [
        ("passed, thicker for more", TAKEN, 3.0, False),
        ("a caught error", TAKEN, 1.4, True),
        ("nothing passed", UNTAKEN, 1.2, False),
    ]
    marks: list[Mark] = []
    x, y = MARGIN, y + 8
    for text, colour, thickness, dashed in entries:
        marks += [
            Line(((x, y - 3.5), (x + 26, y - 3.5)), colour, thickness, dashed, tip=False),
            Words(x + 33, y, text, 10, boxes.QUIET),
        ]
        x += 33 + width(text, 10) + 22
    if unknown:
        text = f"{boxes.UNKNOWN}  the history does not tell"
        if x + width(text, 10) > size - MARGIN:
            x, y = MARGIN, y + 16
        marks.append(Words(x, y, text, 10, boxes.QUIET))
    return marks, y + 20


def _description(execution: Execution, told: Told) -> str:
    states = "; ".join(f"{name} entered {numbers.entered}" for name, numbers in told.states.items())
    return (
        f"{execution.machine}, {execution.status}, started {execution.started:%Y-%m-%d %H:%M:%S} "
        f"UTC, {boxes.duration(execution.seconds)}. {states}."
    )
