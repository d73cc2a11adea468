"""The picture of an execution: its outcome, its states, what went wrong, and a legend."""

import textwrap

from scripts.graphs import boxes, figures
from scripts.graphs.definition import parse
from scripts.graphs.execution import Execution
from scripts.graphs.history import Told, read
from scripts.graphs.marks import Box, Drawing, Line, Mark, Words, shorten, width
from scripts.graphs.scopes import BACKGROUND, TAKEN, UNTAKEN, Picture
from scripts.graphs.story import Story

MARGIN = 28
LEAST_WIDTH = 720
MOST_ERRORS = 8
STATUSES = {  # sign, fill, ink
    "SUCCEEDED": ("✓", "#1a7f37"),
    "RUNNING": ("…", "#0b6a8f"),
    "FAILED": ("✕", "#b42318"),
    "TIMED_OUT": ("✕", "#b42318"),
    "ABORTED": ("■", "#57606a"),
}


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
    sign, colour = STATUSES[execution.status]
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
        ("duration", figures.duration(execution.seconds)),
        *((name, figures.count(number)) for name, number in execution.counts.items()),
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
            Words(MARGIN + 40, y, figures.count(number), 11, bold=True, anchor="end"),
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
        text = f"{figures.UNKNOWN}  the history does not tell"
        if x + width(text, 10) > size - MARGIN:
            x, y = MARGIN, y + 16
        marks.append(Words(x, y, text, 10, boxes.QUIET))
    return marks, y + 20


def _description(execution: Execution, told: Told) -> str:
    states = "; ".join(f"{name} entered {numbers.entered}" for name, numbers in told.states.items())
    return (
        f"{execution.machine}, {execution.status}, started {execution.started:%Y-%m-%d %H:%M:%S} "
        f"UTC, {figures.duration(execution.seconds)}. {states}."
    )
