"""The picture of an execution: in DOT, Graphviz's language, with HTML-like tables, and as SVG."""

import math
import re
import shutil
import statistics
import subprocess
import textwrap
from collections.abc import Iterable
from html import escape
from pathlib import Path

from scripts.execution_graph.definition import (
    END,
    START,
    Transition,
    is_distributed,
    list_states,
    list_transitions,
)
from scripts.execution_graph.execution import Execution, read
from service import config
from service.terminal import UserError, duration
from setup.environment import clean, reason

FONT = "DejaVu Sans"
NAME, TEXT, SMALL = 13, 11, 10

INK, QUIET, PALE, PAPER, CARD = "#1f2328", "#57606a", "#8c959f", "#ffffff", "#f6f8fa"
TAKEN, UNTAKEN = "#6e7781", "#c5ccd3"
GREEN, AMBER, RED, BLUE, ORANGE = "#1a7f37", "#9a6700", "#b42318", "#0b6a8f", "#c77700"
FILLS = {"Task": "#fff4e5", "Choice": "#e7f2f8", "Succeed": "#e9f6ec", "Fail": "#fdeceb"}
BORDERS = {"Task": ORANGE, "Choice": BLUE, "Succeed": GREEN, "Fail": RED}
STATUS_COLOURS = {"SUCCEEDED": GREEN, "ABORTED": QUIET}  # others: RED
NUMBER_COLOURS = {  # unless they are 0
    "accepted": GREEN,
    **dict.fromkeys(("review", "caught", "retried"), AMBER),
    **dict.fromkeys(("failed", "timedOut", "aborted", "stopped"), RED),
}
THINNEST, THICKEST = 1.2, 5
MANY = 25  # fewer transitions never make a thick line
WEIGHTS = {"next": 8, "choice": 2, "catch": 1}  # a line of more weight is straighter

WORKING = ("Task", "Map")
NUMBERS = ("entered", "succeeded", "caught", "retried", "failed")  # of a state that works
MAP_RUN_NUMBERS = ("total", "succeeded", "failed")
MAP_RUN_NUMBERS_IF_ANY = ("timedOut", "aborted", "pending")
LEGEND = "Thicker line: more passed. Dashed: a caught error. Pale: nothing passed."
NOT_RECORDED = "Not recorded: the history does not hold the states inside a distributed map."

RENDER = Path(__file__).with_name("render.js")
GRAPHVIZ = config.ROOT / "node_modules" / "@viz-js" / "viz"

# None is wider than FONT, by which Graphviz has laid out the text.
FONTS = f"system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', '{FONT}', Arial, sans-serif"
# Characters that XML does not allow. The cause of an execution may hold any.
NO_XML = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# Inverts brightness and keeps each hue.
DARK = "@media (prefers-color-scheme: dark) { svg { filter: invert(0.91) hue-rotate(180deg) } }"


class Picture:
    """The picture of an execution: heading, states and transitions with their counts, errors."""

    def __init__(self, execution: Execution):
        self._execution = execution
        self._states = dict(list_states(execution.definition))
        self._history = read(execution.events)
        self._unrecorded = {
            inner
            for name, state in self._states.items()
            if is_distributed(state) and name in self._history.states
            for inner, _ in list_states(state["ItemProcessor"])
        }
        self._most = max(MANY, *self._history.transitions.values(), 0)

    def dot(self) -> str:
        """Return the graph in DOT."""
        # A cluster has one label at most: the outermost is the card below everything.
        return f"""digraph execution {{
graph [fontname="{FONT}" bgcolor=transparent pad=-0.11 nodesep=0.2 ranksep=0.3 compound=true]
node [fontname="{FONT}" shape=box style="rounded,filled" margin="0.1,0.05" width=0 height=0]
edge [arrowsize=0.5]
subgraph "cluster card" {{ style="rounded,filled" fillcolor="{CARD}" color="{CARD}" margin=12
subgraph "cluster errors" {{ peripheries=0 labeljust=l margin=0 labelloc=b label=<{self._errors()}>
subgraph "cluster states" {{ labelloc=t label=<{self._heading()}>
{self._graph(self._execution.definition, "execution")}
}} }} }} }}
"""

    def description(self) -> str:
        """Return the picture in words, for people who cannot see it."""
        execution = self._execution
        counts = "".join(f", {count} {name}" for name, count in execution.counts.items())
        states = " ".join(f"{self._describe(name)}." for name in self._states)
        return f"{execution.machine}, {execution.status}, {self._when()}{counts}. {states}"

    def _when(self) -> str:
        took = duration(self._execution.seconds)
        return f"{self._execution.started:%Y-%m-%d %H:%M:%S} UTC, {took}"

    def _heading(self) -> str:
        execution = self._execution
        status = _text(execution.status.replace("_", " "), SMALL, PAPER, bold=True)
        colour = STATUS_COLOURS.get(execution.status, RED)
        pill = f'<TD STYLE="ROUNDED" BGCOLOR="{colour}" CELLPADDING="4">{status}</TD>'
        facts = _cell(_text(f"  {execution.machine}, {self._when()}", TEXT, QUIET))
        lines = [_text(line, 19, bold=True) for line in textwrap.wrap(execution.name, 40)]
        lines += [_table([pill + facts]), _text(" ", 4)]
        if execution.counts:
            lines.append(_numbers({"": execution.counts}, 19))
        problem = ": ".join(part for part in (execution.error, execution.cause) if part)
        problem = re.sub(r",(?=\S)", ", ", problem)  # JSON has no spaces to break at
        wrapped = textwrap.wrap(problem, 68, max_lines=3, placeholder=" …")
        lines += [_text(line, TEXT, RED) for line in wrapped]
        return _table(map(_cell, [*lines, _text(" ", TEXT)]))

    def _errors(self) -> str:
        errors = self._history.errors.most_common()
        lines = [_text("Errors", NAME, bold=True)] if errors else []
        for (state, error, outcome), number in errors:
            lines.append(_text(f"{number:,}  {error} in {state}, {outcome}", TEXT))
        lines += [_text(" ", 5), _text(LEGEND, SMALL, QUIET)]
        if self._unrecorded:
            lines.append(_text(NOT_RECORDED, SMALL, QUIET))
        return _table(map(_cell, [_text(" ", TEXT), *lines]))

    def _graph(self, scope: dict, name: str) -> str:
        """The states of a scope, its START and END, and its transitions. `name`: of its Map."""
        lines = [self._state(state) for state in scope["States"]]
        transitions = list_transitions(scope)
        for end in (END, START):
            counts = [
                self._count(each) for each in transitions if end in (each.source, each.target)
            ]
            if counts:
                count = None if None in counts else sum(counts)
                text = _text(f"{end[1:]}{_times(count)}", SMALL, PALE if count == 0 else QUIET)
                look = f'color="{_line_colour(count)}" fillcolor="{PAPER}" margin="0.08,0.02"'
                lines.append(f"{_id(end, name)} [{look} label=<{text}>]")
        lines += [self._transition(each, transitions, name) for each in transitions]
        return "\n".join(lines)

    def _state(self, name: str) -> str:
        unused, kind = self._is_unused(name), self._states[name]["Type"]
        fill = CARD if unused else FILLS.get(kind, PAPER)
        border = UNTAKEN if unused else BORDERS.get(kind, QUIET)
        look = f'fillcolor="{fill}" color="{border}" tooltip={_quote(self._describe(name))}'
        label = f"label=<{self._box(name)}>"
        inside = self._states[name].get("ItemProcessor")
        if not inside:
            return f"{_quote(name)} [{look} {label}]"
        # Its ends stand side by side; the next transition begins at an invisible point below them.
        exit_point = _quote(f"exit of {name}")
        succeed = [each for each, inner in inside["States"].items() if inner["Type"] == "Succeed"]
        targets = {each.target for each in list_transitions(inside)}
        ends = [_id(end, name) for end in (END, *succeed) if end in targets]
        return f"""subgraph {_quote(f"cluster {name}")} {{
style="rounded,filled" peripheries=1 margin=10 {look} {label}
{self._graph(inside, name)}
{{ rank=same {" ".join(ends)} }} -> {exit_point} [style=invis]
{exit_point} [shape=point style=invis]
}}"""

    def _box(self, name: str) -> str:
        """The text in the box of a state, or above the states of a Map."""
        unused, counts, state = self._is_unused(name), self._counts(name), self._states[name]
        ink, quiet = (PALE, PALE) if unused else (INK, QUIET)
        works, at_once = state["Type"] in WORKING, state.get("MaxConcurrency")
        words = ["distributed map" if is_distributed(state) else state["Type"].lower()]
        if name in self._history.items and not is_distributed(state):
            words.append(f"{self._history.items[name]:,} items")
        if isinstance(at_once, int) and at_once > 0:
            words.append(f"{at_once} at once")
        if unused or not counts:
            words.append("not entered" if unused else "not recorded")
        texts = [_text(word, SMALL, quiet) for word in words]
        if unused:
            counts = {}
        if not works:
            texts += [
                _text(f"{count} {n:,}", SMALL, NUMBER_COLOURS.get(count, INK), bold=True)
                for count, n in counts.items()
            ]
        texts += [_text(word, SMALL, QUIET) for word in self._durations(name)]
        lines = [_text(name, NAME, ink, bold=True), _text(", ", SMALL, quiet).join(texts)]
        if counts and works:
            lines.append(_numbers({"": counts}, NAME))
        if is_distributed(state) and self._execution.map_run:
            lines += [_text(" ", 5), _numbers(self._map_run(), NAME)]
        return _table(map(_cell, lines))

    def _counts(self, name: str) -> dict[str, int]:
        """The state's counts by name; none where the history does not hold the state."""
        if name in self._unrecorded:
            return {}
        counts, kind = vars(self._history.states[name]), self._states[name]["Type"]
        always = NUMBERS if kind in WORKING else NUMBERS[:1]
        if_any = () if kind == "Fail" else ("failed", "stopped")
        return {
            count: n for count, n in counts.items() if count in always or (count in if_any and n)
        }

    def _durations(self, name: str) -> list[str]:
        seconds = self._history.states[name].seconds
        if not seconds or self._states[name]["Type"] == "Succeed":
            return []
        if len(seconds) == 1:
            return [f"took {duration(seconds[0])}"]
        median = statistics.median(seconds)
        return [f"median {duration(median)}", f"total {duration(sum(seconds))}"]

    def _map_run(self) -> dict[str, dict[str, int]]:
        """Items and batches by status, of a Distributed Map that has started."""
        run = self._execution.map_run
        rows = {"items": run["itemCounts"], "batches": run["executionCounts"]}
        shown = list(MAP_RUN_NUMBERS)
        shown += [s for s in MAP_RUN_NUMBERS_IF_ANY if any(row[s] for row in rows.values())]
        return {name: {status: row[status] for status in shown} for name, row in rows.items()}

    def _describe(self, name: str) -> str:
        """The state in a sentence: in the description, and where the pointer rests on the state."""
        counts = [f"{count} {n:,}" for count, n in self._counts(name).items()]
        words = [*(counts or ["not recorded"]), *self._durations(name)]
        return f"{name} ({self._states[name]['Type']}): {', '.join(words)}"

    def _is_unused(self, name: str) -> bool:
        """Whether the history holds the state, and it was not entered."""
        return self._counts(name).get("entered") == 0

    def _count(self, transition: Transition) -> int | None:
        """How often the transition happened; None where the history does not hold it."""
        source, target, kind, _ = transition
        if {source, target} & self._unrecorded:
            return None
        if target == END:
            return self._history.states[source].succeeded
        return self._history.transitions[source, target, kind == "catch"]

    def _transition(self, transition: Transition, scope: list[Transition], name: str) -> str:
        count, kind = self._count(transition), transition.kind
        thickness = THINNEST + (THICKEST - THINNEST) * math.sqrt((count or 0) / self._most)
        look = f'color="{_line_colour(count)}" penwidth={thickness:.1f} '
        look += f"weight={WEIGHTS[kind]} style={'dashed' if kind == 'catch' else 'solid'}"
        source, target = transition.source, transition.target
        from_state, to_state = self._states.get(source, {}), self._states.get(target, {})
        tail, head, begin, end = _id(source, name), _id(target, name), "", ""
        if "ItemProcessor" in from_state:
            begin = f"ltail={_quote(f'cluster {source}')} minlen=2"
            tail = _quote(f"exit of {source}")
        if "ItemProcessor" in to_state:
            end = f"lhead={_quote(f'cluster {target}')} minlen=2"
            head = _id(START, target)
        if not transition.label:
            return f"{tail} -> {head} [{look} {begin} {end}]"
        # The label is a node: so it lies on its line, and inside the frame of its Map.
        label = _quote(f"{source} to {target}, {kind}")
        text = _label(transition.label, count)
        first = next(each for each in scope if each.target == target)
        fails = (from_state["Type"], to_state["Type"]) == ("Choice", "Fail") and transition == first
        beside = f"{{ rank=same {tail} {label} {head} }}" if fails else ""
        return f"""{label} [shape=none style="" margin="0.05,0" label=<{text}>] {beside}
{tail} -> {label} [{look} {begin} arrowhead=none]
{label} -> {head} [{look} {end}]"""


def _label(text: str, count: int | None) -> str:
    # Names of errors have no spaces to break at.
    lines = textwrap.wrap(text.replace("_", "_ "), 22, max_lines=3, placeholder=" …")
    lines[-1] += _times(count)
    colour = PALE if count == 0 else INK
    texts = (_text(line.replace("_ ", "_"), SMALL, colour) for line in lines)
    return _table(_cell(text, "CENTER") for text in texts)


def _times(count: int | None) -> str:
    return "" if count is None else f" \N{MULTIPLICATION SIGN}{count:,}"


def _line_colour(count: int | None) -> str:
    return UNTAKEN if count == 0 else TAKEN


def _numbers(rows: dict[str, dict[str, int]], size: int) -> str:
    """Numbers below their captions, and before them the row's name, unless it is empty."""
    captions = [*([""] if any(rows) else []), *next(iter(rows.values()))]
    captions = [caption.replace("timedOut", "timed out") for caption in captions]
    lines = ["".join(_cell(_text(f"{caption}  ", SMALL, QUIET)) for caption in captions)]
    for row, numbers in rows.items():
        cells = [_cell(_text(f"{row}  ", SMALL, QUIET))] if row else []
        for name, number in numbers.items():
            colour = NUMBER_COLOURS.get(name, INK) if number else PALE
            cells.append(_cell(_text(f"{number:,}", size, colour, bold=True)))
        lines.append("".join(cells))
    return _table(lines)


def _table(rows: Iterable[str]) -> str:
    """A table; a row is the text of its cells."""
    body = "".join(f"<TR>{row}</TR>" for row in rows)
    return f'<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="1">{body}</TABLE>'


def _cell(content: str, align: str = "LEFT") -> str:
    padding = 0 if content.startswith("<TABLE") else 1
    return f'<TD ALIGN="{align}" CELLPADDING="{padding}">{content}</TD>'


def _text(text: str, size: float, colour: str = INK, bold: bool = False) -> str:
    content = f"<B>{escape(text)}</B>" if bold else escape(text)
    return f'<FONT POINT-SIZE="{size}" COLOR="{colour}">{content}</FONT>'


def _id(name: str, scope_name: str) -> str:
    """The node of a state, or of the START or END of a scope."""
    return _quote(f"{name[1:]} of {scope_name}" if name in (START, END) else name)


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def render(dot: str, title: str, description: str) -> str:
    """Return the graph as SVG. Raises UserError where Graphviz is not there or refuses it."""
    dot, title, description = (
        NO_XML.sub("\N{REPLACEMENT CHARACTER}", text) for text in (dot, title, description)
    )
    node = shutil.which("node")
    if node is None or not GRAPHVIZ.is_dir():
        missing = "node is not on the PATH" if node is None else "node_modules has no @viz-js/viz"
        raise UserError(f"Graphviz draws the picture, and {missing}. Set it up: make setup")
    process = subprocess.run(  # noqa: S603
        [node, RENDER], input=dot, env=clean(), capture_output=True, encoding="utf-8"
    )
    if process.returncode:
        raise UserError(f"Graphviz could not draw the picture: {reason(process)}")
    # Without the declaration and the DTD, so that a page may embed the file.
    attributes, _, content = process.stdout.partition("<svg ")[2].partition(">")
    size = attributes.replace('pt"', '"')
    return (
        f'<svg role="img" font-family="{FONTS}" {size}>\n'
        f"<title>{escape(title)}</title>\n<desc>{escape(description)}</desc>\n"
        f"<style>{DARK}</style>" + content.replace(f' font-family="{FONT}"', "")
    )
