"""plugins/removal.js: what it runs before `sls remove`, and when that ends."""

import json

import pytest

from tests.infrastructure.conftest import run_node
from tests.programs import write_program

PROGRAM = """
const Removal = require('./plugins/removal');
const serverless = {
  serviceDir: process.argv[1],
  getProvider: () => ({ getStage: () => 'prod', getRegion: () => 'eu-west-1' }),
};
new Removal(serverless, JSON.parse(process.argv[2])).hooks['before:remove:remove']();
console.log('removed');
"""


@pytest.fixture
def remove(tmp_path):
    """A function that runs the hook over a Python that does what a shell script says."""

    def run(script: str, **options):
        write_program(tmp_path / ".venv" / "bin" / "python", script)
        return run_node(PROGRAM, tmp_path, json.dumps(options), AWS_ACCESS_KEY_ID="a-key")

    return run


def test_what_stays_is_said_before_the_stack_goes(remove):
    assert remove('echo "$*"').stdout == "-E -s -m scripts.removal --stage prod\nremoved\n"


def test_it_looks_where_the_stack_is(remove):
    ask = 'echo "$AWS_REGION ${AWS_PROFILE:-none} ${AWS_ACCESS_KEY_ID:-none}"'
    assert remove(ask).stdout.startswith("eu-west-1 none a-key\n")
    assert remove(ask, **{"aws-profile": "team"}).stdout.startswith("eu-west-1 team none\n")


def test_an_endpoint_that_is_there_stops_the_removal_in_one_line(remove):
    done = remove("echo 'error: delete it first' >&2; exit 1")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "error: delete it first\n")
