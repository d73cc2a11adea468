"""Variables, which a Distributed Map may not take from outside.

"Distributed Map states cannot reference variables in outer scopes"
(docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html). Taken at its word that is
neither in the fields that are evaluated for the map and its items nor in the ItemProcessor, which
has the variables that it assigns itself. Output, Assign and Catch belong to the scope around it.
(AWS has been seen to take some of the map's own fields from variables, in JSONPath, but promises it
nowhere: localstack/localstack on GitHub has it in /tests/aws/services/stepfunctions/v2/assign.)

A reference is refused as the state is entered, also where its value would not matter: undefined as
it is, `$exists($name) ? $name : 1` would hide it.
"""

import functools
from collections.abc import Iterator

import jsonata
from jsonata.parser import Parser
from ministack.services import stepfunctions as sfn

FIELDS = (
    *("ItemReader", "ItemSelector", "ItemBatcher", "MaxConcurrency"),
    *("ToleratedFailurePercentage", "ResultWriter"),
)


def check(state: dict) -> None:
    """Raise States.QueryEvaluationError for a reference to a variable of an outer scope."""
    for field in FIELDS:
        _check(state.get(field), field, set())
    processor = state["ItemProcessor"]
    _check(processor, "ItemProcessor", set(_assigned(processor)))


def without(context: dict) -> dict:
    """The context of the map's own fields: it has no variables."""
    return {**context, "variables": {}}


def _check(value: object, field: str, own: set[str]) -> None:
    for path, expression in _expressions(value, field):
        for name in sorted(references(expression) - own):
            raise sfn._ExecutionError(
                "States.QueryEvaluationError",
                f"The JSONata expression '{expression}' specified for the field '{path}' "
                f"references the variable '${name}'. Distributed Map states cannot reference "
                "variables in outer scopes.",
            )


def _expressions(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Each expression in a field, and where it stands."""
    if isinstance(value, str) and value.startswith("{%") and value.endswith("%}"):
        yield path, value[2:-2].strip()
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _expressions(part, f"{path}/{name}")
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _expressions(part, f"{path}/{index}")


def _assigned(value: object) -> Iterator[str]:
    """The names in every Assign of a processor."""
    if isinstance(value, dict):
        if isinstance(value.get("Assign"), dict):
            yield from value["Assign"]
        for part in value.values():
            yield from _assigned(part)
    elif isinstance(value, list):
        for part in value:
            yield from _assigned(part)


@functools.lru_cache(maxsize=1024)
def references(expression: str) -> frozenset[str]:
    """The variables that are neither bound in the expression nor functions; `$states` is none.

    None for an expression that cannot be parsed: its evaluation will say so.
    """
    try:
        parsed = jsonata.Jsonata.jsonata(expression)
    except Exception:
        return frozenset()
    sfn._register_sfn_jsonata_functions(parsed)
    used: set[str] = set()
    bound = {"", "$", "states"}
    _collect(parsed.ast, used, bound)
    free = {name for name in used - bound if parsed.environment.lookup(name) is None}
    return frozenset(free)


def _collect(node: object, used: set[str], bound: set[str]) -> None:
    """Add the names that a part of a syntax tree uses, and those that it binds."""
    if isinstance(node, list | tuple):
        for part in node:
            _collect(part, used, bound)
    if not isinstance(node, Parser.Symbol):
        return
    if node.type == "variable":
        used.add(node.value)
    elif node.type == "bind":  # $name := …
        bound.add(node.lhs.value)
    elif node.type == "lambda":  # function($name) { … }
        bound.update(argument.value for argument in node.arguments)
    elif node.type == "index":  # [ … ]#$name
        bound.add(node.value)
    bound.update(name for name in (node.focus, node.index) if isinstance(name, str))  # @$, #$
    for part in vars(node).values():
        _collect(part, used, bound)
