"""Additions go to the MiniStack that they were written for, or nowhere."""

import importlib.metadata
import re
import sys
import types

import pytest

from local import seams

INSTALLED = re.escape(importlib.metadata.version("ministack"))
HERE = sys.modules[__name__]


@pytest.fixture(autouse=True)
def _nothing_registered(monkeypatch):
    monkeypatch.setitem(seams._replacements, __name__, [])


def test_another_ministack_is_refused(monkeypatch):
    monkeypatch.setattr(seams, "VERSION", "0.1")
    with pytest.raises(seams.SeamError, match=rf"fits ministack 0\.1, not {INSTALLED}"):
        seams.check_version()


@pytest.mark.parametrize("owner", [types.SimpleNamespace(), {}])
def test_what_is_replaced_must_be_there_and_the_replacement_gets_it(owner):
    @seams.replaces(owner, "double")
    def more(original, number):
        return original(number) + 1

    with pytest.raises(seams.SeamError, match="double"):
        seams.install(HERE)
    names = owner if isinstance(owner, dict) else vars(owner)
    names["double"] = lambda number: 2 * number
    seams.install(HERE)
    assert names["double"](3) == 7
