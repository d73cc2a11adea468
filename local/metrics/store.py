"""Where metrics are kept: MiniStack's CloudWatch, written to from the threads that do the work.

MiniStack drops what is two weeks old at each request by copying every list of points, so that a
point written meanwhile is lost, and a metric of 100,000 points is copied for every look at it.

Of thousands of points a minute each look at a metric would cost more than the work that is
measured. Times are kept to three digits, and equal values of a second as one point with a count.
"""

import threading
import time
from collections.abc import Callable

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch

from local import seams

TIMES = ("Microseconds", "Milliseconds")

_writing = threading.Lock()
_second: dict[tuple, tuple[int, dict[float, dict]]] = {}


def install() -> None:
    """Keep every point that is written."""
    seams.replace(cloudwatch, "_evict_old_metrics", evict)


def record(namespace: str, dimensions: dict[str, str], points: dict[str, tuple]) -> None:
    """Add points, by name of the metric: (value, unit), to the caller's account and region."""
    with _writing:
        for metric, (value, unit) in points.items():
            kept = float(f"{value:.3g}" if unit in TIMES else value)
            _add(namespace, metric, kept, unit, dimensions)


def _add(namespace: str, metric: str, value: float, unit: str, dimensions: dict) -> None:
    moment = time.time()
    place = get_account_id(), get_region(), namespace, metric, cloudwatch._dims_key(dimensions)
    second, known = _second.get(place, (0, {}))
    if second != int(moment):
        _second[place] = int(moment), (known := {})
    if value in known:
        known[value]["Count"] += 1.0
        return
    point = {
        "Timestamp": moment,
        "Value": value,
        "Count": 1.0,
        "Unit": unit,
        "Dimensions": dict(dimensions),
    }
    known[value] = point
    cloudwatch._metric_bucket(place[2:]).append(point)


def evict(original: Callable) -> None:
    """Drop points of two weeks ago and before. They lie in the order in which they came."""
    oldest = time.time() - cloudwatch.TWO_WEEKS_SECONDS
    with _writing:
        for _, points in cloudwatch._metrics.items():
            if points and points[0]["Timestamp"] < oldest:
                points[:] = [point for point in points if point["Timestamp"] >= oldest]
