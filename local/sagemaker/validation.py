"""Requests checked against botocore's own model of the service.

AWS checks each request against the same model and lists all that is wrong with it in one
ValidationException. boto3 checks only that required members are there and their types, so without
this a name or an instance type that AWS refuses would pass here.
"""

import functools
import re
from collections.abc import Iterator
from typing import Any

import botocore.session
from botocore.model import ServiceModel, Shape

from local.sagemaker.requests import ServiceError, invalid

_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
}
# Expressions of Java in the models' patterns, and Python's.
_JAVA_PATTERNS = {
    r"\p{Print}": r"[\x20-\x7e]",
    r"\uD800\uDC00-\uDBFF\uDFFF": r"\U00010000-\U0010ffff",
}


@functools.cache
def service_model(service: str) -> ServiceModel:
    """botocore's model of the control plane."""
    return botocore.session.get_session().get_service_model(service)


def check(operation: str, request: Any, service: str) -> None:
    """Raise what AWS answers to a request that does not fit the operation's model.

    ValidationException for missing members and values out of bounds, SerializationException for
    values of another type.
    """
    shape = service_model(service).operation_model(operation).input_shape
    problems = list(_problems(shape, request, ""))
    if problems:
        raise invalid(detected(problems))


def detected(problems: list[str]) -> str:
    """AWS's sentence about all that is wrong with a request."""
    plural = "" if len(problems) == 1 else "s"
    return f"{len(problems)} validation error{plural} detected: {'; '.join(problems)}"


def _problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    expected = _TYPES[shape.type_name]
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        raise ServiceError(
            "SerializationException",
            f"{type(value).__name__} at '{path}' can not be converted to {shape.type_name}",
        )
    yield from out_of_bounds(shape, value, path)
    if shape.type_name == "structure":
        for name in shape.required_members:
            if value.get(name) is None:
                yield _problem("null", _below(path, name), "Member must not be null", quote=False)
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield from _problems(member, value[name], _below(path, name))
    elif shape.type_name == "list":
        for number, member in enumerate(value, 1):
            yield from _problems(shape.member, member, f"{path}.{number}.member")
    elif shape.type_name == "map":
        for key, member in value.items():
            yield from _problems(shape.key, key, f"{path}.{key}.key")
            yield from _problems(shape.value, member, f"{path}.{key}.value")


def out_of_bounds(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """Yield AWS's complaints of a value that is too short, too long or of another form."""
    bounds = shape.metadata
    if bounds.get("enum") and value not in bounds["enum"]:
        allowed = ", ".join(bounds["enum"])
        yield _problem(value, path, f"Member must satisfy enum value set: [{allowed}]")
    size, words = (
        (value, "have value") if isinstance(value, int | float) else (len(value), "have length")
    )
    if "min" in bounds and size < bounds["min"]:
        yield _problem(value, path, f"Member must {words} greater than or equal to {bounds['min']}")
    if "max" in bounds and size > bounds["max"]:
        yield _problem(value, path, f"Member must {words} less than or equal to {bounds['max']}")
    if "pattern" in bounds and not _pattern(bounds["pattern"]).fullmatch(value):
        rule = f"Member must satisfy regular expression pattern: {bounds['pattern']}"
        yield _problem(value, path, rule)


@functools.cache
def _pattern(pattern: str) -> re.Pattern:
    for java, python in _JAVA_PATTERNS.items():
        pattern = pattern.replace(java, python)
    return re.compile(pattern)


def _below(path: str, name: str) -> str:
    camel = name[:1].lower() + name[1:]
    return f"{path}.{camel}" if path else camel


def _problem(value: Any, path: str, rule: str, *, quote: bool = True) -> str:
    shown = f"'{value}'" if quote else value
    return f"Value {shown} at '{path}' failed to satisfy constraint: {rule}"
