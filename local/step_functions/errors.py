"""The names of errors, which of them a Retry or Catch takes, and how long a retry waits.

MiniStack calls a throttled call of Lambda, and one that fails there, `Lambda.Unknown`, so that no
Retry matches. In it `States.ALL` matches every error, so that an execution that ends on AWS would
seem to succeed. It knows neither MaxDelaySeconds nor JitterStrategy, and waits a minute at most.
"""

import contextlib
import json
import math
import random
from collections.abc import Callable

from ministack.core.responses import new_uuid
from ministack.services import stepfunctions as sfn

from local import seams

TERMINAL = ("States.DataLimitExceeded", "States.Runtime")
# Lambda's answers in place of a function's, with message and status as people report them:
# github.com/HumanCellAtlas/data-store/issues/1118 and 1632.
REFUSALS = {
    "TooManyRequestsException": ("Rate Exceeded.", 429),
    "ServiceException": ("ServiceException", 500),
}


@seams.replaces(sfn, "_call_lambda")
def call_lambda(original: Callable, function: str, event: object) -> object:
    """The function's answer; raises its error under AWS's name."""
    try:
        return original(function, event)
    except sfn._ExecutionError as error:
        if error.error == "Lambda.Unknown":
            with contextlib.suppress(ValueError, TypeError, KeyError):  # an error of another kind
                refusal = json.loads(error.cause)["__type"]
                message, status = REFUSALS[refusal]
                error.error = f"Lambda.{refusal}"
                error.cause = (
                    f"{message} (Service: AWSLambda; Status Code: {status}; "
                    f"Error Code: {refusal}; Request ID: {new_uuid()})"
                )
        raise


@seams.replaces(sfn, "_error_matches")
def matches(original: Callable, names: list[str], error: str) -> bool:
    """Whether an ErrorEquals of these names takes the error."""
    return error in names if error in TERMINAL else original(names, error)


@seams.replaces(sfn, "_find_matching_retrier")
def find_retrier(original: Callable, retriers: list, error: str, counts: dict) -> tuple:
    """The Retry entry that takes the error, after the wait before this very retry.

    `counts` holds the retries made by each entry.
    """
    retrier, index = original(retriers, error, counts)
    if retrier is None:
        return None, index
    sfn._scaled_sleep(delay(retrier, counts.get(index, 0)))
    return {**retrier, "IntervalSeconds": 0}, index


def delay(retrier: dict, retries: int) -> float:
    """Seconds to wait after that many retries."""
    grown = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** retries
    longest = min(grown, retrier.get("MaxDelaySeconds", math.inf))
    if retrier.get("JitterStrategy") == "FULL":
        return random.uniform(0, longest)  # noqa: S311 - spreads load, guards nothing
    return longest
