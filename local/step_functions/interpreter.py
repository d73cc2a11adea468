"""The time that MiniStack's interpreter takes for a Map of hundreds of items.

- It parses each expression again for each item, which takes more time than evaluating. Evaluation
  leaves the syntax tree as it is, so all threads use one.
- On AWS an expression may run for a second, on a machine that does nothing else. MiniStack measures
  by the clock. Here it is a second of the thread's own processor time.
- Each item's context holds the execution's whole input. MiniStack copies it for each item; nothing
  writes to it, so here items share it.
"""

import time
from collections.abc import Callable

from jsonata.parser import Parser
from jsonata.timebox import Timebox
from ministack.services import stepfunctions as sfn

from local import seams

_trees: dict[str, object] = {}


@seams.replaces(Parser, "parse")
def parse(original: Callable, parser: Parser, expression: str, *engine: object) -> object:
    """The syntax tree of the expression."""
    if expression not in _trees:
        _trees[expression] = original(parser, expression, *engine)
    return _trees[expression]


@seams.replaces(Timebox, "current_milli_time")
def processor_time(original: Callable) -> float:
    """The time that an expression's limit is measured by (ms)."""
    return time.thread_time() * 1000


class _Shared(dict):
    """A dictionary that is its own deep copy."""

    def __deepcopy__(self, memo: dict) -> "_Shared":
        return self


@seams.replaces(sfn, "_run_map_items")
def run_items(original: Callable, state: dict, given: object, execution: dict, context: dict):
    """The Map's output and the next state."""
    context = {**context, "Execution": _Shared(context["Execution"])}
    return original(state, given, execution, context)
