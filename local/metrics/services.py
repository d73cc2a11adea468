"""What Lambda, Step Functions and SageMaker record.

Of Lambda, MiniStack records calls of the Invoke API alone, none of a state machine's tasks, and
counts a throttled call as an invocation. Its durations hold the time in which an environment is
started, and that in which a call waits for one to be free; AWS's `Duration` is the handler's. Of
Step Functions it records nothing; the children of a Distributed Map are no executions of the state
machine and are not counted.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from ministack.core.lambda_runtime import ProvidedWorker
from ministack.services import lambda_svc
from ministack.services import stepfunctions as sfn

from local import seams
from local.metrics.store import record

EXECUTIONS = {
    "RUNNING": "ExecutionsStarted",
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "ABORTED": "ExecutionsAborted",
    "TIMED_OUT": "ExecutionsTimedOut",
}
_thread = threading.local()


def install() -> None:
    """Record AWS/Lambda by FunctionName and AWS/States by StateMachineArn."""
    seams.replace(lambda_svc, "_emit_lambda_metrics", record_throttled)
    seams.replace(lambda_svc, "_execute_function_dispatch", record_invocation)
    seams.replace(ProvidedWorker, "invoke", time_handler)
    seams.replace(ProvidedWorker, "_spawn", time_start)
    seams.replace(sfn, "_emit_execution_status_event", record_status)


def record_throttled(
    original: Callable, name: str, duration_ms: float, error: bool, throttle: bool
) -> None:
    """Record a call that no environment took; MiniStack's own record of all others is not kept."""
    if throttle and not duration_ms:  # with a duration it is the Invoke API's second record of it
        record("AWS/Lambda", {"FunctionName": name}, {"Throttles": (1, "Count")})


def record_invocation(original: Callable, function: dict, config: dict, *arguments: object) -> dict:
    """Run the invocation and record it; MiniStack's record of the result."""
    _thread.seconds = None
    began = time.perf_counter()
    result = original(function, config, *arguments)
    seconds = _thread.seconds
    if seconds is None:  # another runtime, or one that did not come up
        seconds = time.perf_counter() - began
    points = {
        "Invocations": (1, "Count"),
        "Errors": (int(bool(result.get("error"))), "Count"),
        "Throttles": (0, "Count"),
        "Duration": (seconds * 1000, "Milliseconds"),
    }
    record("AWS/Lambda", {"FunctionName": config["FunctionName"]}, points)
    return result


def time_handler(original: Callable, worker: ProvidedWorker, *arguments: object, **options: object):
    """The worker's result; notes how long the handler took."""
    _thread.starting = 0.0
    began = time.perf_counter()
    result = original(worker, *arguments, **options)
    _thread.seconds = time.perf_counter() - began - _thread.starting
    return result


def time_start(original: Callable, worker: ProvidedWorker, *arguments: object, **options: object):
    """Start the worker's process; notes how long that took."""
    began = time.perf_counter()
    try:
        return original(worker, *arguments, **options)
    finally:
        _thread.starting = getattr(_thread, "starting", 0.0) + time.perf_counter() - began


def record_status(original: Callable, execution: dict) -> None:
    """Record the status that the execution now has, and its time once it has ended (ms)."""
    points = {EXECUTIONS[execution["status"]]: (1, "Count")}
    if execution["stopDate"]:
        dates = execution["startDate"], execution["stopDate"]
        begun, ended = map(datetime.fromisoformat, dates)
        points["ExecutionTime"] = ((ended - begun).total_seconds() * 1000, "Milliseconds")
    record("AWS/States", {"StateMachineArn": execution["stateMachineArn"]}, points)
    original(execution)


@dataclass
class EndpointRequest:
    """A request to a container; `status` is its HTTP answer, 0 as long as there is none."""

    status: int = 0


@contextmanager
def record_request(endpoint: str, variant: str) -> Iterator[EndpointRequest]:
    """Record AWS/SageMaker's points of the request that is made in the block.

    One without an answer is an error of the server. Latency, in microseconds, is the container's
    with the way there and back.
    """
    request = EndpointRequest()
    began = time.perf_counter()
    try:
        yield request
    finally:
        microseconds = (time.perf_counter() - began) * 1_000_000
        points = {
            "Invocations": (1, "None"),
            "Invocation4XXErrors": (int(400 <= request.status < 500), "None"),
            "Invocation5XXErrors": (int(request.status == 0 or request.status >= 500), "None"),
            "ModelLatency": (microseconds, "Microseconds"),
        }
        record("AWS/SageMaker", {"EndpointName": endpoint, "VariantName": variant}, points)
