"""AWS/SageMaker: each request that an endpoint's variant was given, and how it answered."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from local.metrics import store

NAMESPACE = "AWS/SageMaker"


@dataclass
class Request:
    """A request to a container; `status` is its HTTP answer, 0 as long as there is none."""

    status: int = 0


@contextmanager
def request(endpoint: str, variant: str) -> Iterator[Request]:
    """Record the request that is made meanwhile. One without an answer is an error of the server.

    Latency, in microseconds, is the container's with the way there and back.
    """
    made = Request()
    began = time.perf_counter()
    try:
        yield made
    finally:
        microseconds = (time.perf_counter() - began) * 1_000_000
        points = {
            "Invocations": (1, "None"),
            "Invocation4XXErrors": (int(400 <= made.status < 500), "None"),
            "Invocation5XXErrors": (int(made.status == 0 or made.status >= 500), "None"),
            "ModelLatency": (microseconds, "Microseconds"),
        }
        store.record(NAMESPACE, {"EndpointName": endpoint, "VariantName": variant}, points)
