"""The context of a Map's items.

Each item of a Map has a context object of its own, which holds the execution's whole input.
MiniStack copies it deeply for each item: a batch of 500 images is copied 500 times. Nothing writes
to the input, so items share it, and only the rest is copied.
"""

from collections.abc import Callable

from ministack.services import stepfunctions as sfn

from local import seams


class _Shared(dict):
    """A dictionary that is its own deep copy."""

    def __deepcopy__(self, memo: dict) -> "_Shared":
        return self


def install() -> None:
    """Share the execution's part of the context between a Map's items."""
    seams.replace(sfn, "_run_map_items", run_items)


def run_items(
    original: Callable, state: dict, state_input: object, execution: dict, context: dict
) -> tuple:
    """The Map's output and the next state."""
    context = {**context, "Execution": _Shared(context["Execution"])}
    return original(state, state_input, execution, context)
