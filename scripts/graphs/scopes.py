"""Lays out the states of a scope, with the scopes inside them as frames, and draws them."""

import math
import textwrap
from collections.abc import Sequence

from scripts.graphs import boxes, figures
from scripts.graphs.definition import END, START, Scope, State, Way
from scripts.graphs.layers import Layout, Link, place
from scripts.graphs.marks import Box, Line, Mark, Point, Words, tip_length, width
from scripts.graphs.story import Story

STRAIGHT = {"next": 8, "choice": 2, "catch": 1}
FRAME_PADDING = 20
ROUND_HEIGHT = 22
LABEL, LABEL_LINE = 10.5, 13
LABEL_CHARACTERS, LABEL_LINES = 30, 3
TAKEN, UNTAKEN, BACKGROUND = "#57606a", "#c5ccd3", "#f6f8fa"
THINNEST, THICKEST = 1.2, 5.0
MANY = 25  # fewer than so many never make a thick line


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
        return f"{'start' if node == START else 'end'}  {figures.times(number)}"

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
        text = f"{way.label}  {figures.times(passed)}"
        return textwrap.wrap(
            text,
            LABEL_CHARACTERS,
            max_lines=LABEL_LINES,
            placeholder=f" …  {figures.times(passed)}",
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
        whole = f"{way.label}: {figures.count(passed)}"
        return [Box(x, y, *size, BACKGROUND, radius=6, title=whole), *texts]

    def _node(self, node: str, corner: Point) -> list[Mark]:
        size = self._sizes[node]
        if node in (START, END):
            text = self._round_text(node)
            unused = text.endswith(figures.times(0))
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
