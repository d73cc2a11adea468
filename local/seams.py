"""Replacing functions of MiniStack, and refusing a MiniStack that these replacements do not fit.

The additions replace module globals and methods that MiniStack does not offer as an interface.
Another version may have moved or changed any of them without a word, so exactly one is accepted.
"""

import functools
import re
from collections import defaultdict
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

REQUIREMENTS = Path(__file__).with_name("requirements.txt").read_text()
VERSION = re.search(r"^ministack==(\S+)$", REQUIREMENTS, re.MULTILINE)[1]

# By module: the owner of what is replaced, its name, the replacement.
_replacements: dict[str, list[tuple[Any, str, Callable]]] = defaultdict(list)


class SeamError(Exception):
    """This MiniStack is not the one that the additions were written for."""


def check_version() -> None:
    """Raise SeamError unless MiniStack is the version that the additions fit."""
    installed = metadata.version("ministack")
    if installed != VERSION:
        raise SeamError(
            f"the local cloud fits ministack {VERSION}, not {installed}: "
            "pip install -r local/requirements.txt"
        )


def replaces(owner: Any, *names: str) -> Callable:
    """Let a function replace `owner.name` once its module is installed.

    Its first argument is the original. Of a dictionary it replaces the item of that name.
    """

    def register(function: Callable) -> Callable:
        _replacements[function.__module__] += [(owner, name, function) for name in names]
        return function

    return register


def install(module: ModuleType) -> None:
    """Put a module's replacements in place; raises SeamError where there is nothing to replace."""
    for owner, name, function in _replacements[module.__name__]:
        is_dictionary = isinstance(owner, dict)
        original = owner.get(name) if is_dictionary else getattr(owner, name, None)
        if original is None:
            where = "" if is_dictionary else f"{getattr(owner, '__name__', owner)}."
            raise SeamError(f"there is no {where}{name} that the local cloud replaces")
        replacement = functools.wraps(original)(_bind(function, original))
        if is_dictionary:
            owner[name] = replacement
        else:
            setattr(owner, name, replacement)


def _bind(function: Callable, original: Callable) -> Callable:
    # Not functools.partial: as an attribute of a class it would get no instance.
    return lambda *arguments, **options: function(original, *arguments, **options)
