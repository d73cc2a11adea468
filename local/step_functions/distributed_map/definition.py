"""The fields of a Distributed Map, and those that are refused as the state is entered.

- Fields that the local cloud does not obey: passed over in silence, they would make a run that only
  seems to work. CloudFormation's state machines do not pass through CreateStateMachine.
- References to variables from outside: "Distributed Map states cannot reference variables in outer
  scopes" (docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html). Taken at its word
  that is neither in the fields that are evaluated for the map and its items nor in the
  ItemProcessor, which has the variables that it assigns itself; Output, Assign and Catch belong to
  the scope around it. The text is searched, since `$exists($name) ? $name : 1` would evaluate.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ministack.services import stepfunctions as sfn

from local.step_functions.executions import LIMIT

# The fields that are evaluated for the map and its items.
EVALUATED = (
    *("ItemReader", "ItemSelector", "ItemBatcher", "MaxConcurrency"),
    *("ToleratedFailurePercentage", "ResultWriter"),
)
# Known fields: a nested object must be there, a text is the only value taken.
KNOWN: dict[str, Any] = {
    **dict.fromkeys(("Type", "Comment", "QueryLanguage", "Label", *EVALUATED)),
    **dict.fromkeys(("Assign", "Output", "Retry", "Catch", "Next", "End")),
    "ItemReader": {
        "Resource": "arn:aws:states:::s3:getObject",
        "Arguments": {"Bucket": None, "Key": None},
        "ReaderConfig": {"InputType": "JSONL"},
    },
    "ItemBatcher": {"MaxItemsPerBatch": None, "MaxInputBytesPerBatch": None, "BatchInput": None},
    "ItemProcessor": {
        **dict.fromkeys(("Comment", "StartAt", "States")),
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
    },
    "ResultWriter": {
        "Resource": "arn:aws:states:::s3:putObject",
        "Arguments": {"Bucket": None, "Prefix": None},
        "WriterConfig": {"OutputType": "JSONL", "Transformation": "FLATTEN"},
    },
}


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


def check(state: dict, context: dict, machine: dict) -> None:
    """Raise States.Runtime with a sentence for a state that the local cloud would not obey.

    Raises States.QueryEvaluationError for a reference to a variable of an outer scope; `machine` is
    the definition that the state stands in.
    """
    if sfn._state_query_language(state, context) != "JSONata":
        _refuse("does a Distributed Map in JSONata only")
    _check_fields(state, KNOWN, "Distributed Map")
    if not isinstance(state.get("ItemSelector", {}), dict):
        _refuse("needs ItemSelector to be an object")
    if "MaxItemsPerBatch" not in state["ItemBatcher"]:
        _refuse("needs MaxItemsPerBatch in an ItemBatcher")
    if "MaxConcurrency" not in state:
        _refuse("needs MaxConcurrency: without it AWS starts up to 10,000 children at once")
    processor = state["ItemProcessor"]
    for name, inner in processor["States"].items():
        config = inner.get("ItemProcessor", {}).get("ProcessorConfig", {})
        if config.get("Mode") == "DISTRIBUTED":
            _refuse(f"runs no Distributed Map ({name}) in an Express execution, and nor does AWS")
    assigned = _find_assigned(machine)
    for field in EVALUATED:
        _check_references(state.get(field), field, assigned)
    _check_references(processor, "ItemProcessor", assigned - _find_assigned(processor))


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


def _check_fields(fields: Any, known: dict[str, Any], where: str) -> None:
    if not isinstance(fields, dict):
        _refuse(f"needs {where} in a Distributed Map")
    for name in fields:
        if name not in known:
            _refuse(f"knows no {name} in a {where}")
    for name, value in known.items():
        if isinstance(value, dict):
            _check_fields(fields.get(name), value, name)
        elif value and fields.get(name) != value:
            _refuse(f"needs {name} in a {where} to be {value}, not {fields.get(name)}")


def _refuse(sentence: str) -> None:
    raise sfn._ExecutionError(
        "States.Runtime", f"the local cloud {sentence} (see local/step_functions/distributed_map)"
    )


def _check_references(value: object, path: str, variables: set[str]) -> None:
    for where, part in _walk(value, path):
        names = re.findall(r"\$(\w+)", part) if str(part).startswith("{%") else ()
        for name in sorted(variables.intersection(names)):
            raise sfn._ExecutionError(
                "States.QueryEvaluationError",
                f"The JSONata expression '{part[2:-2].strip()}' specified for the field '{where}' "
                f"references the variable '${name}'. Distributed Map states cannot reference "
                "variables in outer scopes.",
            )


def _find_assigned(value: object) -> set[str]:
    """The names in every Assign."""
    assigns = [part for path, part in _walk(value, "") if path.endswith("/Assign")]
    return {name for part in assigns if isinstance(part, dict) for name in part}


def _walk(value: object, path: str) -> Iterator[tuple[str, Any]]:
    """The value and each part of it, with their paths."""
    yield path, value
    if isinstance(value, dict | list):
        for name, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _walk(part, f"{path}/{name}")
