"""The 256 KiB that a state may take or give.

On AWS a task's input or result and a state's output of more than 256 KiB of UTF-8 is
`States.DataLimitExceeded`, and an execution's input of more is refused. MiniStack carries anything
of any size, so that a batch whose results are too large, or that carries image bytes from state to
state, would only fail on AWS.
"""

import json
from collections.abc import Callable

from ministack.services import stepfunctions as sfn

from local import seams

LIMIT = 256 * 1024


def install() -> None:
    """Hold tasks and states to the limit."""
    seams.replace(sfn, "_invoke_resource", invoke_within_limit)
    for state in ("_execute_task", "_execute_map", "_execute_parallel", "_execute_pass"):
        seams.replace(sfn, state, execute_within_limit)


def invoke_within_limit(original: Callable, resource: str, arguments: object) -> object:
    """The task's result; raises States.DataLimitExceeded for its input or the result itself."""
    check(arguments, "The input of the state/task is")
    result = original(resource, arguments)
    check(result, "The state/task returned a result with")
    return result


def execute_within_limit(original: Callable, *arguments: object) -> tuple[object, str | None]:
    """The state's output and the next state; raises States.DataLimitExceeded."""
    output, following = original(*arguments)
    check(output, "The state/task returned a result with")
    return output, following


def check(value: object, subject: str) -> None:
    """Raise States.DataLimitExceeded for a value of more than 256 KiB."""
    if len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()) > LIMIT:
        raise sfn._ExecutionError(
            "States.DataLimitExceeded",
            f"{subject} a size exceeding the maximum number of bytes service limit.",
        )
