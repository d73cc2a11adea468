"""How long a retry waits.

On AWS the wait is IntervalSeconds x BackoffRate ^ retries, at most MaxDelaySeconds, and with
JitterStrategy FULL a random time between nothing and that. MiniStack knows neither of the latter
two: all images of a batch that were throttled together would come back together. And it waits a
minute at most, whatever the definition says.
"""

import math
import random
from collections.abc import Callable

from ministack.services import stepfunctions as sfn

from local import seams


def install() -> None:
    """Wait as AWS does."""
    seams.replace(sfn, "_find_matching_retrier", find_retrier)


def find_retrier(
    original: Callable, retriers: list[dict], error: str, counts: dict[int, int]
) -> tuple[dict | None, int]:
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
