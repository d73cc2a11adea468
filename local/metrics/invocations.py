"""AWS/Lambda: one point an invocation, whoever invokes.

MiniStack records these metrics for calls of the Invoke API alone, none for a state machine's tasks,
and counts a throttled call as an invocation. Its durations hold the time in which an environment is
started, and that in which a call waits for one to be free; AWS's `Duration` is that of the handler.
"""

import threading
import time
from collections.abc import Callable

from ministack.core.lambda_runtime import ProvidedWorker
from ministack.services import lambda_svc

from local import seams
from local.metrics import store

NAMESPACE = "AWS/Lambda"

_thread = threading.local()


def install() -> None:
    """Record Invocations, Errors, Throttles and Duration by FunctionName."""
    seams.replace(lambda_svc, "_emit_lambda_metrics", throttled)
    seams.replace(lambda_svc, "_execute_function_dispatch", invoked)
    seams.replace(ProvidedWorker, "invoke", timed)
    seams.replace(ProvidedWorker, "_spawn", started)


def throttled(original: Callable, name: str, duration_ms: float, error: bool, throttle: bool):
    """Record a call that no environment took; MiniStack's own record of all others is not kept."""
    if throttle and not duration_ms:  # with a duration it is the Invoke API's second record of it
        store.record(NAMESPACE, {"FunctionName": name}, {"Throttles": (1, "Count")})


def invoked(original: Callable, function: dict, config: dict, *arguments: object) -> dict:
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
    store.record(NAMESPACE, {"FunctionName": config["FunctionName"]}, points)
    return result


def timed(original: Callable, worker: ProvidedWorker, *arguments: object, **options: object):
    """The worker's result; notes how long the handler took."""
    _thread.starting = 0.0
    began = time.perf_counter()
    result = original(worker, *arguments, **options)
    _thread.seconds = time.perf_counter() - began - _thread.starting
    return result


def started(original: Callable, worker: ProvidedWorker, *arguments: object, **options: object):
    """Start the worker's process; notes how long that took."""
    began = time.perf_counter()
    try:
        return original(worker, *arguments, **options)
    finally:
        _thread.starting = getattr(_thread, "starting", 0.0) + time.perf_counter() - began
