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
    """Put `function` in the place of `owner.name`; its first argument is the original.

    Of a dictionary it is the item of that name. Raises SeamError where there is none.
    """
    is_dictionary = isinstance(owner, dict)
    original = owner.get(name) if is_dictionary else getattr(owner, name, None)
    if original is None:
        where = "" if is_dictionary else f"{getattr(owner, '__name__', owner)}."
        raise SeamError(f"there is no {where}{name} that the local cloud replaces")

    @functools.wraps(original)
    def replacement(*args, **kwargs):
        return function(original, *args, **kwargs)

    if is_dictionary:
        owner[name] = replacement
    else:
        setattr(owner, name, replacement)
