"""The metrics of Lambda, Step Functions and SageMaker.

Of Lambda, MiniStack records calls of the Invoke API alone, counts a throttled one as an invocation,
and its durations hold the time in which an environment is started or waited for; AWS's `Duration`
is the handler's. Of Step Functions it records nothing. The children of a Distributed Map are no
executions of the state machine and are not counted.

Of thousands of points a minute each look at a metric would cost more than the work that is
measured: times are kept to three digits, and equal values of a second as one point with a count.
"""

import threading
import time
from collections.abc import Callable

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch, lambda_svc
from ministack.services import stepfunctions as sfn

from local import seams

EXECUTIONS = {
    "RUNNING": "ExecutionsStarted",
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "ABORTED": "ExecutionsAborted",
    "TIMED_OUT": "ExecutionsTimedOut",
}
_writing = threading.Lock()
_second: dict[tuple, tuple[int, dict[float, dict]]] = {}  # a metric's points of this second


def record(namespace: str, dimensions: dict[str, str], points: dict[str, tuple]) -> None:
    """Add points, by name of the metric: (value, unit), to the caller's account and region."""
    key = cloudwatch._dims_key(dimensions)
    with _writing:
        for metric, (value, unit) in points.items():
            moment, place = time.time(), (get_account_id(), get_region(), namespace, metric, key)
            second, known = _second.get(place, (0, {}))
            if second != int(moment):
                _second[place] = int(moment), (known := {})
            kept = float(f"{value:.3g}" if unit.endswith("seconds") else value)
            if kept in known:
                known[kept]["Count"] += 1.0
                continue
            known[kept] = {
                "Timestamp": moment,
                "Value": kept,
                "Count": 1.0,
                "Unit": unit,
                "Dimensions": dict(dimensions),
            }
            cloudwatch._metric_bucket(place[2:]).append(known[kept])


@seams.replaces(cloudwatch, "_evict_old_metrics")
def keep(original: Callable) -> None:
    """Drop no points: AWS keeps them for longer than a local cloud lives.

    MiniStack copies every list of points, so that a point written meanwhile would be lost.
    """


@seams.replaces(lambda_svc, "_emit_lambda_metrics")
def record_throttled(original, name, duration_ms, error, throttle) -> None:
    """Record a call that no environment took; MiniStack's own record of all others is not kept."""
    if throttle and not duration_ms:  # with a duration it is the Invoke API's second record of it
        record("AWS/Lambda", {"FunctionName": name}, {"Throttles": (1, "Count")})


def record_invocation(function: str, seconds: float, failed: bool) -> None:
    """Record an invocation of the function; `seconds` are the handler's."""
    points = {
        "Invocations": (1, "Count"),
        "Errors": (int(failed), "Count"),
        "Throttles": (0, "Count"),
        "Duration": (seconds * 1000, "Milliseconds"),
    }
    record("AWS/Lambda", {"FunctionName": function}, points)


@seams.replaces(sfn, "_emit_execution_status_event")
def record_status(original: Callable, execution: dict) -> None:
    """Record the status that the execution now has."""
    points = {EXECUTIONS[execution["status"]]: (1, "Count")}
    record("AWS/States", {"StateMachineArn": execution["stateMachineArn"]}, points)
    original(execution)


def record_request(endpoint: str, variant: str, status: int, seconds: float) -> None:
    """Record a request to a container.

    `status` is its HTTP answer, 0 where there was none: an error of the server. `seconds` are the
    container's with the way there and back.
    """
    points = {
        "Invocations": (1, "None"),
        "Invocation4XXErrors": (int(400 <= status < 500), "None"),
        "Invocation5XXErrors": (int(status == 0 or status >= 500), "None"),
        "ModelLatency": (seconds * 1_000_000, "Microseconds"),
    }
    record("AWS/SageMaker", {"EndpointName": endpoint, "VariantName": variant}, points)
