"""An invocation of a Python function, from its event to its answer or error.

AWS starts another environment whenever all of a function's are busy. Here one is a process that
takes half a second of a core to load boto3. Hence a function has as many as there are cores, and an
invocation that finds all busy waits for one: the laptop's limit, which shows as time and never as
an error. Account and reserved concurrency are checked before that, with AWS's error.
"""

import collections
import os
import threading
import time
from collections.abc import Callable

from ministack.core import lambda_runtime as workers
from ministack.core.lambda_runtime import ProvidedRuntimeError
from ministack.services import lambda_svc

from local import seams
from local.lambda_runtime.environment import Environment
from local.metrics.recording import record_invocation

ENVIRONMENTS = max(2, os.cpu_count() or 2)

_free: dict[str, threading.Semaphore] = collections.defaultdict(
    lambda: threading.Semaphore(ENVIRONMENTS)
)


@seams.replaces(workers, "_worker_class_for")
def worker_class(original: Callable, config: dict) -> type:
    """Python functions have environments of ours; others keep MiniStack's."""
    return Environment if _is_python(config) else original(config)


@seams.replaces(lambda_svc, "_execute_function_warm")
def execute(original: Callable, function: dict, event: object, request_id: str) -> dict:
    """Run the function; MiniStack's record of the result: `body`, `log`, and `error` if it failed.

    A body that reports an error is AWS's: errorType, errorMessage and, from a handler, stackTrace.
    """
    config = function.get("config") or function
    if not _is_python(config):
        return original(function, event, request_id)
    lambda_svc._ensure_reaper_thread()
    name, version = config["FunctionName"], config["Version"]
    with _free[f"{config['FunctionArn']}:{version}"]:
        worker, _ = workers.acquire_worker(name, config, function["code_zip"], qualifier=version)
        began = time.perf_counter()
        try:
            result = _invoke(worker, config, event, request_id)
        finally:
            workers.release_worker(worker)
        seconds = time.perf_counter() - max(began, worker.started)
    record_invocation(name, seconds, "error" in result)
    return result


def _invoke(worker: Environment, config: dict, event: object, request_id: str) -> dict:
    try:
        result = worker.invoke(
            event,
            request_id,
            trace_id=lambda_svc._xray_trace_id_for_invocation(config),
            invoked_function_arn=config["FunctionArn"],
        )
    except ProvidedRuntimeError as error:
        return _failure(error.error_type, str(error), worker.take_log())
    except RuntimeError as error:  # the process ended before it asked for an event
        return _failure("Runtime.ExitError", str(error), worker.take_log())
    if worker.exceeds_memory():
        worker.kill()
        message = f"RequestId: {request_id} Error: Runtime exited with error: signal: killed"
        return _failure("Runtime.ExitError", message, result["log"])
    if result["status"] == "ok":
        return {"body": result["result"], "log": result["log"]}
    return {"body": result["error_payload"], "error": True, "log": result["log"]}


def _failure(kind: str, message: str, log: str) -> dict:
    return {"body": {"errorType": kind, "errorMessage": message}, "error": True, "log": log}


def _is_python(config: dict) -> bool:
    return str(config.get("Runtime")).startswith("python")
