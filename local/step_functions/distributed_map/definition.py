"""The fields of a Distributed Map, and those that are refused as the state is entered.

- Fields that the local cloud does not obey: passed over in silence, they would make a run that only
  seems to work. CloudFormation's state machines do not pass through CreateStateMachine.
- References to variables from outside: "Distributed Map states cannot reference variables in outer
  scopes" (docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html). Taken at its word
  that is neither in the fields that are evaluated for the map and its items nor in the
  ItemProcessor, which has the variables that it assigns itself. Output, Assign and Catch belong to
  the scope around it. (AWS has been seen to take some of the map's own fields from variables, in
  JSONPath, but promises it nowhere: localstack/localstack on GitHub has it in
  /tests/aws/services/stepfunctions/v2/assign.) Evaluation would not do: undefined as it is,
  `$exists($name) ? $name : 1` would hide it.
"""

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import jsonata
from jsonata.parser import Parser
from ministack.services import stepfunctions as sfn

from local.step_functions.executions import LIMIT

# Each object's fields; one with a value must be there and takes no other.
KNOWN: dict[str, dict[str, str | None]] = {
    "": dict.fromkeys(
        (
            *("Type", "Comment", "QueryLanguage", "Label", "ItemReader", "ItemSelector"),
            *("ItemBatcher", "ItemProcessor", "MaxConcurrency", "ToleratedFailurePercentage"),
            *("ResultWriter", "Assign", "Output", "Retry", "Catch", "Next", "End"),
        )
    ),
    "ItemReader": {
        "Resource": "arn:aws:states:::s3:getObject",
        "Arguments": None,
        "ReaderConfig": None,
    },
    "ItemReader.Arguments": {"Bucket": None, "Key": None},
    "ItemReader.ReaderConfig": {"InputType": "JSONL"},
    "ItemBatcher": {"MaxItemsPerBatch": None, "MaxInputBytesPerBatch": None, "BatchInput": None},
    "ItemProcessor": dict.fromkeys(("ProcessorConfig", "Comment", "StartAt", "States")),
    "ItemProcessor.ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
    "ResultWriter": {
        "Resource": "arn:aws:states:::s3:putObject",
        "Arguments": None,
        "WriterConfig": None,
    },
    "ResultWriter.Arguments": {"Bucket": None, "Prefix": None},
    "ResultWriter.WriterConfig": {"OutputType": "JSONL", "Transformation": "FLATTEN"},
}

# The fields that are evaluated for the map and its items.
EVALUATED = (
    *("ItemReader", "ItemSelector", "ItemBatcher", "MaxConcurrency"),
    *("ToleratedFailurePercentage", "ResultWriter"),
)


@dataclass(frozen=True)
class Settings:
    """The fields of the state, its expressions evaluated."""

    manifest: tuple[str, str]  # bucket and key
    results: tuple[str, str]  # bucket and prefix
    batch_items: int
    batch_bytes: int
    batch_input: object  # None where there is none
    max_concurrency: int
    tolerated_failure_percentage: float


def check(state: dict, context: dict) -> None:
    """Raise States.Runtime with a sentence for a state that the local cloud would not obey.

    Raises States.QueryEvaluationError for a reference to a variable of an outer scope.
    """
    if sfn._state_query_language(state, context) != "JSONata":
        _refuse("does a Distributed Map in JSONata only")
    for path, known in KNOWN.items():
        fields, where = _fields(state, path), path or "Distributed Map"
        for name in fields:
            if name not in known:
                _refuse(f"knows no {name} in a {where}")
        for name, value in known.items():
            if value and fields.get(name) != value:
                _refuse(f"needs {name} in a {where} to be {value}, not {fields.get(name)}")
    if not isinstance(state.get("ItemSelector", {}), dict):
        _refuse("needs ItemSelector to be an object")
    if "MaxItemsPerBatch" not in state["ItemBatcher"]:
        _refuse("needs MaxItemsPerBatch in an ItemBatcher")
    if "MaxConcurrency" not in state:
        _refuse("needs MaxConcurrency: without it AWS starts up to 10,000 children at once")
    for name, inner in state["ItemProcessor"]["States"].items():
        config = inner.get("ItemProcessor", {}).get("ProcessorConfig", {})
        if config.get("Mode") == "DISTRIBUTED":
            _refuse(f"runs no Distributed Map ({name}) in an Express execution, and nor does AWS")
    for field in EVALUATED:
        _check_references(state.get(field), field, set())
    processor = state["ItemProcessor"]
    _check_references(processor, "ItemProcessor", set(_assigned(processor)))


def evaluate(state: dict, state_input: object, context: dict) -> Settings:
    """The settings of a state that passed `check`, but for the ItemSelector.

    Raises States.QueryEvaluationError, and States.Runtime for a number out of its range.
    """

    def number(fields: dict, name: str, default: float, low: float, high: float) -> float:
        if name not in fields:
            return default
        value = sfn._jsonata_state_field(fields, name, "number", state_input, context)
        if not low <= value <= high:
            raise sfn._ExecutionError(
                "States.Runtime", f"{name} must be from {low} to {high}, not {value}"
            )
        return value

    def text(fields: dict, name: str) -> str:
        return sfn._jsonata_state_field(fields, name, "string", state_input, context)

    reader, writer = state["ItemReader"]["Arguments"], state["ResultWriter"]["Arguments"]
    batcher = state["ItemBatcher"]
    return Settings(
        manifest=(text(reader, "Bucket"), text(reader, "Key")),
        results=(text(writer, "Bucket"), text(writer, "Prefix").strip("/")),
        batch_items=int(number(batcher, "MaxItemsPerBatch", 0, 1, 100_000_000)),
        batch_bytes=int(number(batcher, "MaxInputBytesPerBatch", LIMIT, 1, LIMIT)),
        batch_input=sfn._apply_jsonata_template(batcher.get("BatchInput"), state_input, context),
        max_concurrency=int(number(state, "MaxConcurrency", 0, 1, 10_000)),
        tolerated_failure_percentage=number(state, "ToleratedFailurePercentage", 0, 0, 100),
    )


def _fields(state: dict, path: str) -> dict:
    fields = state
    for name in path.split(".") if path else ():
        fields = fields.get(name)
        if not isinstance(fields, dict):
            _refuse(f"needs {path} in a Distributed Map")
    return fields


def _refuse(sentence: str) -> None:
    raise sfn._ExecutionError(
        "States.Runtime", f"the local cloud {sentence} (see local/step_functions/distributed_map)"
    )


def _check_references(value: object, field: str, own: set[str]) -> None:
    for path, expression in _texts(value, field):
        if not (expression.startswith("{%") and expression.endswith("%}")):
            continue
        expression = expression[2:-2].strip()
        for name in sorted(references(expression) - own):
            raise sfn._ExecutionError(
                "States.QueryEvaluationError",
                f"The JSONata expression '{expression}' specified for the field '{path}' "
                f"references the variable '${name}'. Distributed Map states cannot reference "
                "variables in outer scopes.",
            )


def _texts(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Each text in a field, and where it stands."""
    if isinstance(value, str):
        yield path, value
    for name, part in _parts(value):
        yield from _texts(part, f"{path}/{name}")


def _assigned(value: object) -> Iterator[str]:
    """The names in every Assign of a processor."""
    for name, part in _parts(value):
        if name == "Assign" and isinstance(part, dict):
            yield from part
        yield from _assigned(part)


def _parts(value: object) -> Iterable[tuple[object, object]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


@functools.lru_cache(maxsize=1024)
def references(expression: str) -> frozenset[str]:
    """The variables that are neither bound in the expression nor functions; `$states` is none.

    An expression that cannot be parsed has none: its evaluation fails.
    """
    try:
        parsed = jsonata.Jsonata.jsonata(expression)
    except Exception:
        return frozenset()
    sfn._register_sfn_jsonata_functions(parsed)
    used: set[str] = set()
    bound = {"", "$", "states"}
    _collect(parsed.ast, used, bound)
    return frozenset(name for name in used - bound if parsed.environment.lookup(name) is None)


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
