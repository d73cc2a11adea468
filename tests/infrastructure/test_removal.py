"""plugins/removal.js: what it runs before `sls remove`, refuses, and says afterwards."""

import json

import pytest

from tests.infrastructure.conftest import node

PROGRAM = """
const Removal = require('./plugins/removal');
const said = [];
const serverless = {
  serviceDir: process.argv[1],
  getProvider: () => ({ getStage: () => 'prod', getRegion: () => 'eu-west-1' }),
  classes: { Error },
};
const { hooks } = new Removal(serverless, JSON.parse(process.argv[2]), {
  log: { notice: (text) => said.push(text) },
  progress: { create: () => ({ remove() {} }) },
});
hooks['before:remove:remove']()
  .then(() => hooks['after:remove:remove']())
  .then(() => said, (error) => error.message)
  .then((result) => console.log(JSON.stringify(result)));
"""


@pytest.fixture
def remove(tmp_path):
    """A function that runs the hooks over a Python that does what a shell script says."""

    def run(script: str, **options) -> list[str] | str:
        python = tmp_path / ".venv" / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
        return node(PROGRAM, tmp_path, json.dumps(options), AWS_ACCESS_KEY_ID="a-key")

    return run


def test_what_stays_is_said_once_the_stack_is_gone(remove):
    assert remove("echo What stays: a bucket") == ["What stays: a bucket"]
    assert remove('echo "$*"') == ["-E -s -m scripts.removal --stage prod"]


def test_the_endpoint_goes_along_when_told_so(remove):
    (said,) = remove('echo "$*"', param=["x=y", "endpoint=delete"])
    assert said.endswith("--stage prod --delete-endpoint")
    (said,) = remove('echo "$*"', param=["endpoint=keep"])
    assert said.endswith("--stage prod")


def test_it_looks_where_the_stack_is(remove):
    ask = 'echo "$AWS_REGION ${AWS_PROFILE:-none} ${AWS_ACCESS_KEY_ID:-none}"'
    assert remove(ask) == ["eu-west-1 none a-key"]
    assert remove(ask, **{"aws-profile": "team"}) == ["eu-west-1 team none"]


def test_an_endpoint_that_is_there_stops_the_removal_in_one_line(remove):
    refused = remove("echo 'a line before' >&2; echo 'error: delete it first' >&2; exit 1")
    assert refused == "delete it first"
