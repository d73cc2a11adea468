"""Requests: the operations of an API, with the members that each emulates, and its errors."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Request = dict[str, Any]


class ServiceError(Exception):
    """An error answer: `code` as the SDK shows it, HTTP `status`, further `members` of the body."""

    def __init__(self, code: str, message: str, status: int = 400, **members: object):
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members


def invalid(message: str) -> ServiceError:
    """The control plane's answer to a request that it cannot accept."""
    return ServiceError("ValidationException", message)


def not_emulated(subject: str) -> ServiceError:
    """The answer to a request for something that AWS does and the local cloud does not."""
    return invalid(f"The local cloud does not emulate {subject}.")


def check_quota(usage: str, count: int, limit: int) -> None:
    """Raise ResourceLimitExceeded for more instances than this machine stands for."""
    if count > limit:
        raise ServiceError(
            "ResourceLimitExceeded",
            f"The account-level service limit '{usage}' is {limit} Instances, with current "
            f"utilization of 0 Instances and a request delta of {count} Instances. "
            "The local cloud runs them all on this machine.",
        )


@dataclass(frozen=True)
class Operation:
    """`run` takes a request that fits botocore's model and gives AWS's answer, from a thread.

    `members` are the members of a request that mean something here. A path such as `A.B`, lists
    left out, covers all below it; `A.B=value` takes no other value; `A.B!` must be there.
    """

    run: Callable[[Request], Request]
    members: str

    def check(self, name: str, request: Request) -> None:
        """Raise ValidationException for a request for something that is not emulated.

        Members that are false, zero or empty ask for nothing.
        """
        values: dict[str, str] = {}
        required = set()
        for word in self.members.split():
            path, _, value = word.removesuffix("!").partition("=")
            values[path] = value
            required |= {path} if word.endswith("!") else set()
        for path, value in _leaves(request, ""):
            parts = path.split(".")
            if not any(".".join(parts[: n + 1]) in values for n in range(len(parts))):
                raise not_emulated(f"{path} of {name}")
            if values.get(path) and values[path] != value:
                raise not_emulated(f"{path} {value} of {name}")
        for path in sorted(required):
            if not all(_values(request, path.split("."))):
                raise not_emulated(f"{name} without {path}")


class Operations(dict[str, Operation]):
    """Operations by name."""

    def add(self, members: str, name: str = "") -> Callable:
        """Add a function; the operation's name is `name`, or the function's as CreateModel."""

        def add(function: Callable[[Request], Request]) -> Callable[[Request], Request]:
            self[name or function.__name__.title().replace("_", "")] = Operation(function, members)
            return function

        return add


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Each value in a request that is not empty, with its path."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _leaves(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for member in value:
            yield from _leaves(member, path)
    elif value:
        yield path, value


def _values(value: Any, names: list[str]) -> list[Any]:
    """The value at a path in each part of a request that it leads through."""
    if isinstance(value, list):
        return [found for member in value for found in _values(member, names)]
    return _values((value or {}).get(names[0]), names[1:]) if names else [value]
