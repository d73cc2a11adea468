"""Replacing functions of MiniStack, and refusing a MiniStack that these replacements do not fit.

The additions replace module globals and methods that MiniStack does not offer as an interface.
Another version may have moved or changed any of them without a word, so exactly one is accepted.
"""

import functools
import re
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

REQUIREMENTS = Path(__file__).with_name("requirements.txt").read_text()
VERSION = re.search(r"^ministack==(\S+)$", REQUIREMENTS, re.MULTILINE)[1]


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


def replace(owner: Any, name: str, function: Callable) -> None:
    """Put `function` in the place of `owner.name`; its first argument is what stood there.

    Raises SeamError where nothing of that name stands.
    """
    try:
        original = getattr(owner, name)
    except AttributeError:
        where = getattr(owner, "__name__", owner)
        raise SeamError(f"there is no {where}.{name} that the local cloud replaces") from None

    setattr(owner, name, _with(original, function))


def replace_item(owner: dict[str, Callable], name: str, function: Callable) -> None:
    """The same for a function in a dictionary."""
    if name not in owner:
        raise SeamError(f"there is no {name!r} that the local cloud replaces")
    owner[name] = _with(owner[name], function)


def _with(original: Callable, function: Callable) -> Callable:
    @functools.wraps(original)
    def replacement(*args, **kwargs):
        return function(original, *args, **kwargs)

    return replacement
