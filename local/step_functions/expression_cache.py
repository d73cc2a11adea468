"""Parsing a JSONata expression once.

MiniStack parses each expression of a state machine again for each item of a Map. Parsing takes more
time than evaluating, in a process whose threads share one core. Evaluation leaves the syntax tree
as it is, so that all threads can use the same.
"""

import functools
from collections.abc import Callable

from jsonata.parser import Parser

from local import seams


def install() -> None:
    """Keep syntax trees."""
    cache: dict[str, object] = {}
    seams.replace(Parser, "parse", functools.partial(parse, cache))


def parse(cache: dict, original: Callable, parser: Parser, expression: str, *engine: object):
    """The syntax tree of the expression."""
    if expression not in cache:
        cache[expression] = original(parser, expression, *engine)
    return cache[expression]
