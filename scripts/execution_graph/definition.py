"""A state machine's definition in the Amazon States Language, as states and transitions.

A scope is a definition, or the ItemProcessor of a Map, which has the same form.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

# No state has such a name: names hold no control characters.
START, END = "\0start", "\0end"


class Transition(NamedTuple):
    """From one state of a scope to another. `kind` is next, choice or catch."""

    source: str
    target: str
    kind: str = "next"
    label: str = ""


def list_states(scope: dict) -> Iterator[tuple[str, dict]]:
    """Yield the names and definitions of the scope's states, also of those inside others."""
    for name, state in scope["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from list_states(state["ItemProcessor"])


def is_distributed(state: dict) -> bool:
    """Whether the state is a Distributed Map."""
    processor = state.get("ItemProcessor", {})
    return processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED"


def list_transitions(scope: dict) -> list[Transition]:
    """Return the scope's transitions, one for all with the same ends and kind."""
    labels: dict[tuple, list[str]] = {(START, scope["StartAt"], "next"): []}
    for name, state in scope["States"].items():
        for target, kind, label in _leave(state):
            labels.setdefault((name, target, kind), []).append(label)
    return [Transition(*key, " or ".join(dict.fromkeys(labels[key]))) for key in labels]


def _leave(state: dict) -> Iterator[tuple[str, str, str]]:
    """Yield target, kind and label of the transitions that leave a state."""
    for rule in state.get("Choices", []):
        yield rule["Next"], "choice", _shorten_condition(rule)
    if "Default" in state:
        yield state["Default"], "choice", "otherwise"
    if "Next" in state:
        yield state["Next"], "next", ""
    if state.get("End"):
        yield END, "next", ""
    for catcher in state.get("Catch", []):
        names = ["any error" if e == "States.ALL" else e for e in catcher["ErrorEquals"]]
        yield catcher["Next"], "catch", ", ".join(names)


def _shorten_condition(rule: dict) -> str:
    """A JSONata rule of a Choice in a few words."""
    text = str(rule.get("Condition", "a rule holds")).strip().removeprefix("{%").removesuffix("%}")
    return " ".join(re.sub(r"\$states\.input\.?", "", text).split()) or "$states.input"
