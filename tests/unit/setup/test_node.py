"""Which versions of Node fit."""

import json

import pytest

from setup.__main__ import satisfies
from setup.environment import REPOSITORY

ENGINES = json.loads((REPOSITORY / "package.json").read_text())["engines"]["node"]


@pytest.mark.parametrize("version", [(20, 19, 0), (20, 20, 2), (22, 13, 0), (24, 0, 0), (25, 1, 0)])
def test_a_version_that_osls_runs_on_fits(version):
    assert satisfies(version, ENGINES)


@pytest.mark.parametrize(
    "version", [(18, 20, 4), (20, 18, 9), (21, 9, 9), (22, 12, 0), (23, 11, 0)]
)
def test_any_other_does_not(version):
    assert not satisfies(version, ENGINES)
