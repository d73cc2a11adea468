"""Which versions of Node fit."""

import json

from setup.__main__ import satisfies
from setup.environment import REPOSITORY

ENGINES = json.loads((REPOSITORY / "package.json").read_text())["engines"]["node"]


def test_the_versions_that_osls_runs_on_fit_and_no_other():
    for version in ((20, 19, 0), (20, 20, 2), (22, 13, 0), (24, 0, 0), (25, 1, 0)):
        assert satisfies(version, ENGINES), version
    for version in ((18, 20, 4), (20, 18, 9), (21, 9, 9), (22, 12, 0), (23, 11, 0)):
        assert not satisfies(version, ENGINES), version
