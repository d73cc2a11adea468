"""The operations of an API: functions, each with the members of a request that it emulates."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.sagemaker.errors import not_emulated

Request = dict[str, Any]


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
        words = [word.removesuffix("!") for word in self.members.split()]
        values = dict(word.split("=") if "=" in word else (word, None) for word in words)
        for path, value in _leaves(request, ""):
            parts = path.split(".")
            if not any(".".join(parts[: n + 1]) in values for n in range(len(parts))):
                raise not_emulated(f"{path} of {name}")
            if values.get(path) not in (None, value):
                raise not_emulated(f"{path} {value} of {name}")
        for word in self.members.split():
            path = word.removesuffix("!").partition("=")[0]
            if word.endswith("!") and not all(_values(request, path.split("."))):
                raise not_emulated(f"{name} without {path}")


def operation(table: dict[str, Operation], name: str, members: str) -> Callable:
    """Add the function to the table."""

    def add(function: Callable[[Request], Request]) -> Callable[[Request], Request]:
        table[name] = Operation(function, members)
        return function

    return add


def _leaves(value: Any, path: str) -> list[tuple[str, Any]]:
    """Each value in a request that is not empty, with its path."""
    if isinstance(value, dict):
        parts = [(f"{path}.{name}" if path else name, member) for name, member in value.items()]
    elif isinstance(value, list):
        parts = [(path, member) for member in value]
    else:
        return [(path, value)] if value else []
    return [leaf for path, member in parts for leaf in _leaves(member, path)]


def _values(value: Any, names: list[str]) -> list[Any]:
    """The value at a path in each part of a request that it leads through."""
    if isinstance(value, list):
        return [found for member in value for found in _values(member, names)]
    return _values((value or {}).get(names[0]), names[1:]) if names else [value]
