"""The exported state machine, and its expressions evaluated: JSONata, with $states bound."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonata import Jsonata

FOLDER = Path(__file__).parents[3] / "statemachine"
DEFINITION = json.loads((FOLDER / "classify.asl.json").read_text())
SCHEMA = json.loads((FOLDER / "batch.schema.json").read_text())
STATES = DEFINITION["States"]
ITEM_STATES = STATES["ClassifyImages"]["ItemProcessor"]["States"]
EXECUTION = "arn:aws:states:eu-central-1:123456789012:execution:classify:first"


def evaluate(template: Any, variables: dict | None = None, **states: Any) -> Any:
    """`template` with every expression in it evaluated; `states` are input, result, errorOutput."""
    if isinstance(template, dict):
        return {key: evaluate(value, variables, **states) for key, value in template.items()}
    if isinstance(template, str) and template.startswith("{%"):
        context = {"Execution": {"Id": EXECUTION, "Name": "first"}}
        bindings = {"states": {"context": context, **states}, **(variables or {})}
        return _compiled(template).evaluate(None, bindings)
    return template


@cache
def _compiled(expression: str) -> Jsonata:
    return Jsonata.jsonata(expression.removeprefix("{%").removesuffix("%}"))


def after(state: str, given: Any) -> str:
    """The name of the state that the Choice `state` of `classify` goes to."""
    return next_of(STATES[state], given)


def next_of(choice: dict, given: Any, variables: dict | None = None, **states: Any) -> str:
    """The name of the state that a Choice goes to."""
    for rule in choice["Choices"]:
        if evaluate(rule["Condition"], variables, input=given, **states):
            return rule["Next"]
    return choice["Default"]
