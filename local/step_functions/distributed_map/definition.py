"""What a Distributed Map of this service says, and refusing what the local cloud does not do.

A field that would be passed over in silence here and obeyed on AWS makes a run that only seems to
work. All fields are checked as the state is entered, since CloudFormation's state machines do not
pass through CreateStateMachine.
"""

from dataclasses import dataclass

from ministack.services import stepfunctions as sfn

from local.step_functions import quotas

# Each object's fields; a value that is a tuple names the only ones that the field may have.
KNOWN = {
    "": dict.fromkeys(
        (
            *("Type", "Comment", "QueryLanguage", "Label", "ItemReader", "ItemSelector"),
            *("ItemBatcher", "ItemProcessor", "MaxConcurrency", "ToleratedFailurePercentage"),
            *("ResultWriter", "Assign", "Output", "Retry", "Catch", "Next", "End"),
        )
    ),
    "ItemReader": {
        "Resource": ("arn:aws:states:::s3:getObject",),
        "Arguments": None,
        "ReaderConfig": None,
    },
    "ItemReader.Arguments": {"Bucket": None, "Key": None},
    "ItemReader.ReaderConfig": {"InputType": ("JSONL",)},
    "ItemBatcher": {"MaxItemsPerBatch": None, "MaxInputBytesPerBatch": None, "BatchInput": None},
    "ItemProcessor": dict.fromkeys(("ProcessorConfig", "Comment", "StartAt", "States")),
    "ItemProcessor.ProcessorConfig": {"Mode": ("DISTRIBUTED",), "ExecutionType": ("EXPRESS",)},
    "ResultWriter": {
        "Resource": ("arn:aws:states:::s3:putObject",),
        "Arguments": None,
        "WriterConfig": None,
    },
    "ResultWriter.Arguments": {"Bucket": None, "Prefix": None},
    "ResultWriter.WriterConfig": {"OutputType": ("JSONL",), "Transformation": ("FLATTEN",)},
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


def check(state: dict, context: dict) -> None:
    """Raise States.Runtime with a sentence for a state that the local cloud would not obey."""
    if sfn._state_query_language(state, context) != "JSONata":
        _refuse("does a Distributed Map in JSONata only")
    for path, known in KNOWN.items():
        fields = _at(state, path)
        where = path or "Distributed Map"
        for name, value in fields.items():
            if name not in known:
                _refuse(f"knows no {name} in a {where}")
            if known[name] and value not in known[name]:
                _refuse(f"knows {name} in a {where} as {known[name][0]} only, not {value}")
        for name, values in known.items():
            if values and name not in fields:
                _refuse(f"needs {name} in a {where} to be {values[0]}")
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
        batch_bytes=int(
            number(batcher, "MaxInputBytesPerBatch", quotas.LIMIT, 1, quotas.LIMIT),
        ),
        batch_input=sfn._apply_jsonata_template(batcher.get("BatchInput"), state_input, context),
        max_concurrency=int(number(state, "MaxConcurrency", 0, 1, 10_000)),
        tolerated_failure_percentage=number(state, "ToleratedFailurePercentage", 0, 0, 100),
    )


def _at(state: dict, path: str) -> dict:
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
