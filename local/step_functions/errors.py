"""The names of errors.

On AWS a call that Lambda throttles is `Lambda.TooManyRequestsException`, one that fails in Lambda
`Lambda.ServiceException`, the names that Retry fields list
(docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html), and the cause is the
SDK's sentence. MiniStack calls both `Lambda.Unknown`, so that no Retry matches.

On AWS `States.ALL` matches neither `States.DataLimitExceeded` nor `States.Runtime`: a state that is
too large or a mistake in the definition ends the execution even where a Catch takes everything
else. In MiniStack it matches both, and such an execution would seem to succeed.
"""

import json
from collections.abc import Callable

from ministack.core.responses import new_uuid
from ministack.services import stepfunctions as sfn

from local import seams

TERMINAL = ("States.DataLimitExceeded", "States.Runtime")
# What Lambda answers instead of the function, with its message and status as they are reported:
# github.com/HumanCellAtlas/data-store/issues/1118 and 1632.
REFUSALS = {
    "TooManyRequestsException": ("Rate Exceeded.", 429),
    "ServiceException": ("ServiceException", 500),
}


def install() -> None:
    """Name what Lambda refuses and keep terminal errors terminal."""
    seams.replace(sfn, "_call_lambda", call_lambda)
    seams.replace(sfn, "_error_matches", matches)


def call_lambda(original: Callable, function: str, event: object) -> object:
    """The function's answer; raises its error under AWS's name."""
    try:
        return original(function, event)
    except sfn._ExecutionError as error:
        refusal = _refusal(error.cause) if error.error == "Lambda.Unknown" else None
        if refusal in REFUSALS:
            message, status = REFUSALS[refusal]
            error.error = f"Lambda.{refusal}"
            error.cause = (
                f"{message} (Service: AWSLambda; Status Code: {status}; "
                f"Error Code: {refusal}; Request ID: {new_uuid()})"
            )
        raise


def _refusal(cause: str) -> str | None:
    """The type of the error that Lambda answered with."""
    try:
        return json.loads(cause)["__type"]
    except (ValueError, TypeError, KeyError):
        return None


def matches(original: Callable, names: list[str], error: str) -> bool:
    """Whether an ErrorEquals of these names takes the error."""
    if error in TERMINAL:
        return error in names
    return original(names, error)
