"""Which operations there are: methods, marked with what IAM checks and what of them is emulated."""

from collections.abc import Callable
from dataclasses import dataclass

from local.sagemaker.records import Caller, Request


@dataclass(frozen=True)
class Operation:
    """`run` takes a request that fits botocore's model and gives the answer, from a thread.

    `resources` are (kind, member of the request that names it) of what IAM checks the caller's
    permission on, `emulated` the members that mean something here (see validation.check_emulated).
    """

    run: Callable[[Caller, Request], Request]
    resources: tuple[tuple[str, str], ...]
    emulated: frozenset[str]


def operation(emulated: str, **resources: str) -> Callable:
    """Mark a method; `resources` have the kind with an underscore, such as training_job."""

    def mark(method: Callable) -> Callable:
        pairs = tuple((kind.replace("_", "-"), member) for kind, member in resources.items())
        method.operation = pairs, frozenset(emulated.split())
        return method

    return mark


def table(*services: object) -> dict[str, Operation]:
    """The marked methods of these objects as operations; create_model is CreateModel."""
    found = {}
    for service in services:
        for name in dir(service):
            method = getattr(service, name)
            if marks := getattr(method, "operation", None):
                found[name.title().replace("_", "")] = Operation(method, *marks)
    return found
