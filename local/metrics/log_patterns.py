"""Filter patterns of CloudWatch Logs for lines of JSON.

A pattern compares fields, `{ $.level = "ERROR" }`, `{ $.status = 5* && $.seconds >= 1.5 }`, or asks
for them, `{ $.review = * }`, `{ $.error EXISTS }` and its contraries; brackets group.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

import fnmatch
import functools
import json
import re
from collections.abc import Callable

Matches = Callable[[object], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<path>\$[\w.\-\[\]]*)|(?P<text>\"(?:[^\"\\]|\\.)*\")|(?P<symbol>&&|\|\||!=|<=|>=|[=<>()])"
    r"|(?P<word>[^\s\"()=<>!&|]+))"
)
_NUMBERS = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
_MISSING = object()


class UnknownPatternError(ValueError):
    """A pattern that is not emulated, or is none."""


@functools.lru_cache(maxsize=256)
def compile(pattern: str) -> Callable[[str], bool]:
    """Whether a line matches a pattern in braces. Raises UnknownPatternError."""
    text = pattern.strip()
    if not (text.startswith("{") and text.endswith("}")):
        raise UnknownPatternError(f"{pattern!r} is no pattern of JSON")
    parser = _Parser(pattern, text[1:-1])
    matches = parser.alternatives()
    parser.end()
    return lambda line: (value := parse(line)) is not None and matches(value)


def parse(line: str) -> object:
    """The object that the line is, or None where it is none."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        return json.loads(line)
    except ValueError:
        return None


def field(value: object, path: str) -> object:
    """What lies at `$.a.b[0]` in the value; raises KeyError if there is nothing."""
    for name, index in re.findall(r"\.([\w\-]+)|\[(\d+)\]", path):
        try:
            value = value[name] if name else value[int(index)]
        except (KeyError, IndexError, TypeError):
            raise KeyError(path) from None
    return value


class _Parser:
    def __init__(self, pattern: str, text: str):
        self._pattern = pattern
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while text[position:].strip():
            token = _TOKEN.match(text, position)
            if not token:
                raise self._unknown()
            self._tokens.append((token.lastgroup, token[token.lastgroup]))
            position = token.end()

    def alternatives(self) -> Matches:
        parts = [self._all_of()]
        while self._take("||"):
            parts.append(self._all_of())
        return lambda value: any(part(value) for part in parts)

    def end(self) -> None:
        if self._tokens:
            raise self._unknown()

    def _all_of(self) -> Matches:
        parts = [self._one()]
        while self._take("&&"):
            parts.append(self._one())
        return lambda value: all(part(value) for part in parts)

    def _one(self) -> Matches:
        if self._take("("):
            inner = self.alternatives()
            if not self._take(")"):
                raise self._unknown()
            return inner
        kind, path = self._next()
        if kind != "path":
            raise self._unknown()
        _, comparison = self._next()
        if comparison in ("IS", "NOT", "EXISTS"):
            return self._word(path, comparison)
        kind, operand = self._next()
        if comparison in _NUMBERS and kind == "word":
            return _compares(path, _NUMBERS[comparison], self._number(operand))
        if comparison in ("=", "!=") and kind in ("word", "text"):
            equal = _equals(path, json.loads(operand) if kind == "text" else operand)
            return equal if comparison == "=" else lambda value: not equal(value)
        raise self._unknown()

    def _word(self, path: str, word: str) -> Matches:
        if word == "EXISTS":
            return lambda value: _at(value, path) is not _MISSING
        _, operand = self._next()
        if word == "NOT" and operand == "EXISTS":
            return lambda value: _at(value, path) is _MISSING
        constants = {"TRUE": True, "FALSE": False, "NULL": None}
        if word == "IS" and operand in constants:
            return lambda value: _at(value, path) is constants[operand]
        raise self._unknown()

    def _next(self) -> tuple[str, str]:
        if not self._tokens:
            raise self._unknown()
        return self._tokens.pop(0)

    def _take(self, symbol: str) -> bool:
        found = bool(self._tokens) and self._tokens[0] == ("symbol", symbol)
        if found:
            self._tokens.pop(0)
        return found

    def _number(self, text: str) -> float:
        try:
            return float(text)
        except ValueError:
            raise self._unknown() from None

    def _unknown(self) -> UnknownPatternError:
        return UnknownPatternError(
            f"the local cloud does not emulate the filter pattern {self._pattern!r}"
        )


def _at(value: object, path: str) -> object:
    try:
        return field(value, path)
    except KeyError:
        return _MISSING


def _compares(path: str, compare: Callable, operand: float) -> Matches:
    def matches(value: object) -> bool:
        found = _at(value, path)
        return _is_number(found) and compare(found, operand)

    return matches


def _equals(path: str, operand: str) -> Matches:
    def matches(value: object) -> bool:
        found = _at(value, path)
        if _is_number(found) and re.fullmatch(r"-?\d+(\.\d+)?", operand):
            return found == float(operand)
        if isinstance(found, str) or _is_number(found):
            # Only `*` stands for anything.
            return fnmatch.fnmatchcase(str(found), re.sub(r"([\[?])", r"[\1]", operand))
        return False

    return matches


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
