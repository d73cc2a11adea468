"""ItemSelector: what becomes of an item before it is batched.

On AWS the template is evaluated for each item, which is `$states.context.Map.Item.Value`; its
number, from 0, is `$states.context.Map.Item.Index`
(docs.aws.amazon.com/step-functions/latest/dg/input-output-itemselector.html).

The interpreter takes longer for an item than all else that is done with it. An expression that is
nothing but a path into `$states.context` is looked up without it where only objects lie on the way:
what the last name holds is the result as it is, an array too. JSONata goes through an array on the
way item by item, and a name that is missing is its error: both are left to it.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ministack.services import stepfunctions as sfn

_PATH = re.compile(r"\{%\s*\$states\.context((?:\.[A-Za-z_][A-Za-z0-9_]*)+)\s*%\}")
_WORDS = {"and", "or", "in", "true", "false", "null", "function"}  # JSONata's own


def select(
    selector: dict, items: Iterable[object], state_input: object, context: dict
) -> Iterator[object]:
    """Each item as the ItemSelector makes it. Raises States.QueryEvaluationError."""
    prepared = _prepare(selector)
    for index, value in enumerate(items):
        own = {**context, "Map": {"Item": {"Index": index, "Value": value}}}
        yield _evaluate(prepared, state_input, own)


class _Path(NamedTuple):
    """The names of a path into the context, and its expression."""

    names: list[str]
    expression: str


def _prepare(template: object) -> object:
    """The template with its paths in the place of their expressions."""
    if isinstance(template, dict):
        return {name: _prepare(part) for name, part in template.items()}
    if isinstance(template, list):
        return [_prepare(part) for part in template]
    found = _PATH.fullmatch(template) if isinstance(template, str) else None
    names = found[1].split(".")[1:] if found else []
    return _Path(names, template) if names and not _WORDS & set(names) else template


def _evaluate(template: object, state_input: object, context: dict) -> object:
    if isinstance(template, dict):
        return {name: _evaluate(part, state_input, context) for name, part in template.items()}
    if isinstance(template, list):
        return [_evaluate(part, state_input, context) for part in template]
    if not isinstance(template, _Path):
        return sfn._apply_jsonata_template(template, state_input, context)
    value: object = context
    for name in template.names:
        if not isinstance(value, dict) or name not in value:
            return sfn._apply_jsonata_template(template.expression, state_input, context)
        value = value[name]
    return value
