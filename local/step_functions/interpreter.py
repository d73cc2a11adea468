"""The time that MiniStack's interpreter takes for a Map of hundreds of items.

- It parses each expression again for each item, which takes more time than evaluating, in a process
  whose threads share one core. Evaluation leaves the syntax tree as it is, so all threads use one.
- On AWS an expression may run for a second, on a machine that does nothing else. MiniStack measures
  by the clock, on one that runs the functions too. Here it is a second of the thread's own
  processor time.
- Each item's context holds the execution's whole input. MiniStack copies it for each item; nothing
  writes to it, so here items share it.
"""

import functools
import time
from collections.abc import Callable

from jsonata.jexception import JException
from jsonata.parser import Parser
from jsonata.timebox import Timebox
from ministack.services import stepfunctions as sfn

from local import seams


class _Shared(dict):
    """A dictionary that is its own deep copy."""

    def __deepcopy__(self, memo: dict) -> "_Shared":
        return self


def install() -> None:
    """Keep syntax trees, measure processor time, share the execution's part of the context."""
    seams.replace(Parser, "parse", functools.partial(parse, {}))
    seams.replace(Timebox, "__init__", start_time)
    seams.replace(Timebox, "check_runaway", check_time)
    seams.replace(sfn, "_run_map_items", run_items)


def parse(cache: dict, original: Callable, parser: Parser, expression: str, *engine: object):
    """The syntax tree of the expression."""
    if expression not in cache:
        cache[expression] = original(parser, expression, *engine)
    return cache[expression]


def start_time(original: Callable, box: Timebox, *arguments: object) -> None:
    """Start measuring."""
    original(box, *arguments)
    box.time = _milliseconds()


def check_time(original: Callable, box: Timebox) -> None:
    """Raise JSONata's D1012 once the expression has had its time."""
    if _milliseconds() - box.time > box.timeout:
        raise JException("D1012", -1, box.timeout)


def run_items(
    original: Callable, state: dict, state_input: object, execution: dict, context: dict
) -> tuple:
    """The Map's output and the next state."""
    context = {**context, "Execution": _Shared(context["Execution"])}
    return original(state, state_input, execution, context)


def _milliseconds() -> float:
    return time.thread_time() * 1000
