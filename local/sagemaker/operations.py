"""The operations of an API: functions, each with the members of a request that it emulates."""

from collections.abc import Callable, Iterator
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
