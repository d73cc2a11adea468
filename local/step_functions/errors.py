"""The names of errors.

On AWS a throttled function is `Lambda.TooManyRequestsException`, the name that Retry fields list.
MiniStack calls it `Lambda.Unknown`, so that no Retry matches.

On AWS `States.ALL` matches neither `States.DataLimitExceeded` nor `States.Runtime`: a state that is
too large or a mistake in the definition ends the execution even where a Catch takes everything
else. In MiniStack it matches both, and such an execution would seem to succeed.
"""

from collections.abc import Callable

from ministack.services import stepfunctions as sfn

from local import seams

TERMINAL = ("States.DataLimitExceeded", "States.Runtime")


def install() -> None:
    """Name throttling and keep terminal errors terminal."""
    seams.replace(sfn, "_call_lambda", call_lambda)
    seams.replace(sfn, "_error_matches", matches)


def call_lambda(original: Callable, function: str, event: object) -> object:
    """The function's answer; raises its error under AWS's name."""
    try:
        return original(function, event)
    except sfn._ExecutionError as error:
        if error.error == "Lambda.Unknown" and "TooManyRequestsException" in error.cause:
            error.error = "Lambda.TooManyRequestsException"
        raise


def matches(original: Callable, names: list[str], error: str) -> bool:
    """Whether an ErrorEquals of these names takes the error."""
    if error in TERMINAL:
        return error in names
    return original(names, error)
