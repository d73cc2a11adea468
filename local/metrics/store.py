"""Where metrics are kept: MiniStack's CloudWatch, written to from the threads that do the work.

MiniStack drops what is two weeks old at each request by copying every list of points, so that a
point written meanwhile is lost, and a metric of 100,000 points is copied for every look at it.
"""

import threading
import time
from collections.abc import Callable

from ministack.services import cloudwatch

from local import seams

_writing = threading.Lock()
_listeners: list[Callable[[], None]] = []


def install() -> None:
    """Keep every point that is written."""
    seams.replace(cloudwatch, "_evict_old_metrics", evict)


def record(namespace: str, dimensions: dict[str, str], points: dict[str, tuple]) -> None:
    """Add points, by name of the metric: (value, unit), to the caller's account and region."""
    with _writing:
        for metric, (value, unit) in points.items():
            cloudwatch.record_metric(namespace, metric, value, unit, dimensions)
    for tell in _listeners:
        tell()


def listen(tell: Callable[[], None]) -> None:
    """Call `tell` whenever points have been recorded."""
    _listeners.append(tell)


def evict(original: Callable) -> None:
    """Drop points of two weeks ago and before. They lie in the order in which they came."""
    oldest = time.time() - cloudwatch.TWO_WEEKS_SECONDS
    with _writing:
        for _, points in cloudwatch._metrics.items():
            if points and points[0]["Timestamp"] < oldest:
                points[:] = [point for point in points if point["Timestamp"] >= oldest]
