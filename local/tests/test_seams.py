"""Additions go to the MiniStack that they were written for, or nowhere."""

import importlib.metadata
import re
import types

import pytest

from local import seams

INSTALLED = re.escape(importlib.metadata.version("ministack"))


def test_another_ministack_is_refused(monkeypatch):
    monkeypatch.setattr(seams, "VERSION", "0.1")
    with pytest.raises(seams.SeamError, match=rf"fits ministack 0\.1, not {INSTALLED}"):
        seams.check_version()


def test_a_name_that_is_gone_is_refused():
    with pytest.raises(seams.SeamError, match=r"no somewhere\.gone"):
        seams.replace(types.ModuleType("somewhere"), "gone", print)


def test_a_replacement_gets_what_it_replaces():
    module = types.ModuleType("somewhere")
    module.double = lambda number: 2 * number
    seams.replace(module, "double", lambda original, number: original(number) + 1)
    assert module.double(3) == 7


def test_a_function_in_a_dictionary_is_replaced_and_one_that_is_gone_refused():
    handlers = {"double": lambda number: 2 * number}
    seams.replace(handlers, "double", lambda original, number: original(number) + 1)
    assert handlers["double"](3) == 7
    with pytest.raises(seams.SeamError, match="no gone"):
        seams.replace(handlers, "gone", print)
