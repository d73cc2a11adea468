"""What `sls` refuses before it does anything: plugins/guard.js, region.js and config.js."""

import json
import os
import shutil
import subprocess

import pytest
import yaml

from service import config, terminal
from service.stack import Cloud
from tests.infrastructure.conftest import REPOSITORY, node, run_node
from tests.unit.service.test_config import WRONG, changed
from tests.unit.service.test_loopback import ELSEWHERE, LOOPBACK
from tests.unit.service.test_stack import NO_REGION

LOCAL = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
BARE = {
    "PATH": os.environ["PATH"],
    "AWS_CONFIG_FILE": os.devnull,
    "NODE_NO_WARNINGS": "1",
    "SLS_TELEMETRY_DISABLED": "1",
}


def call(function: str, *inputs: object) -> list:
    """What a function of a plugin answers for each of the inputs, a list of its arguments."""
    program = f"""
        const inputs = JSON.parse(require('node:fs').readFileSync(0));
        const answers = inputs.map((input) => ({function})(...input) ?? null);
        console.log(JSON.stringify(answers));
    """
    return node(program, given=inputs)


def test_an_address_is_a_loopback_one_where_the_scripts_think_so():
    addresses = [[each] for each in (*LOOPBACK, *ELSEWHERE)]
    answers = call("require('./plugins/region').isLoopback", *addresses)
    assert answers == [True] * len(LOOPBACK) + [False] * len(ELSEWHERE)


def test_sls_reads_config_yml_as_the_scripts_do():
    program = """
        const text = require('node:fs').readFileSync('config.yml', 'utf8');
        console.log(JSON.stringify(require('js-yaml').load(text)));
    """
    assert node(program) == config.load()


def test_config_yml_is_held_to_the_schema():
    inputs = [[config.load()], *([changed(path, value)] for path, value, _ in WRONG)]
    good, *bad = call("require('./plugins/config').problems", *inputs)
    assert good == []
    for (_, _, said), problems in zip(WRONG, bad, strict=True):
        [problem] = problems
        # ajv says "must NOT have" and "must match", jsonschema "is not": the facts are the same.
        assert all(word in problem for word in said), problem


def test_stages_are_those_that_the_scripts_take():
    stages = ["dev", "2", "pr-17", "x" * 40]
    wrong = ["", "Dev", "my stage", "a/b", "-a", "a-", "a--b", "a_b", "dev\n"]
    said = call("require('./plugins/guard').stageProblem", *([each] for each in stages + wrong))
    assert said == [config.stage_problem(stage) for stage in stages + wrong]


def test_a_stage_is_deployed_where_every_name_of_the_service_can_hold_it():
    service = config.load()["service"]
    fits, long, short = call(
        "require('./plugins/guard').lengthProblem",
        *([service, "x" * 13], [service, "x" * 14], [f"{service}-too", "x" * 10]),
    )
    assert [fits, long] == [config.stage_length_problem("x" * length) for length in (13, 14)]
    assert fits is None
    assert "at most 13 characters" in long
    assert "at most 9 characters" in short


@pytest.mark.parametrize(
    ("command", "refused"), [("deploy", True), ("deploy function", False), ("remove", False)]
)
def test_a_stage_too_long_to_deploy_that_exists_already_can_be_used_and_removed(command, refused):
    program = f"""
        const Guard = require('./plugins/guard');
        const processedInput = {{ commands: {json.dumps(command.split())} }};
        const getProvider = () => ({{ getStage: () => 'twenty-characters-20' }});
        const service = {{ service: 'scones-vehicles' }};
        new Guard({{ processedInput, getProvider, service }}, {{}});
    """
    done = run_node(program, **LOCAL)
    assert done.returncode == refused, done.stderr
    assert ("twenty-characters-20" in done.stderr) == refused


@pytest.mark.parametrize(
    ("environment", "options", "said"),
    [
        ({"AWS_REGION": "eu-west-1"}, {}, None),
        ({"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": ""}, {"region": "eu-west-1"}, None),
        ({"AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "eu-west-1"}, {}, None),
        (LOCAL, {}, None),
        ({}, {}, "export AWS_REGION="),
        ({}, {"region": "eu-west-1"}, "export AWS_REGION=eu-west-1"),
        ({"AWS_ENDPOINT_URL": "https://vpce.example.com"}, {}, "export AWS_REGION="),
        ({"AWS_REGION": "eu-north-1"}, {"region": "eu-west-1"}, "export AWS_REGION=eu-west-1"),
        (LOCAL, {"region": "eu-west-1"}, "us-east-1"),
    ],
)
def test_a_region_is_named_by_the_environment_or_is_the_local_cloud_s(environment, options, said):
    [problem] = call("require('./plugins/guard').regionProblem", [BARE | environment, options])
    if said is None:
        assert problem is None
    else:
        assert said in problem
        assert "\n" not in problem


def test_a_region_that_cannot_be_meant_is_refused_in_the_scripts_words(monkeypatch):
    inputs = [[{**BARE, "AWS_REGION": region}, {}] for region, _ in NO_REGION]
    answers = call("require('./plugins/guard').regionProblem", *inputs)
    for (region, _), said in zip(NO_REGION, answers, strict=True):
        monkeypatch.setenv("AWS_REGION", region)
        with pytest.raises(terminal.UserError) as raised:
            Cloud()
        assert said == str(raised.value)


def sls(*arguments: str, folder=REPOSITORY, **environment: str) -> subprocess.CompletedProcess:
    command = [REPOSITORY / "node_modules" / ".bin" / "sls", *arguments]
    return subprocess.run(
        command, cwd=folder, env={**BARE, **environment}, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["info"], {"AWS_REGION": "us-east-1.evil.example"}, "is no region"),
        (["deploy", "--stage", "feature-checkout"], LOCAL, "feature-checkout"),
    ],
)
def test_sls_ends_in_one_line_before_it_calls_anybody(arguments, environment, said):
    done = sls(*arguments, **environment)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert said in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (yaml.safe_dump(changed("service", None)), "must have required property 'service'"),
        (None, "is missing, empty or not YAML"),
    ],
)
def test_sls_names_what_is_wrong_with_config_yml_rather_than_the_lines_that_use_it(
    tmp_path, text, said
):
    for name in ("plugins", "statemachine", "resources"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    shutil.copy(REPOSITORY / "serverless.yml", tmp_path)  # sls takes no link for it
    if text is not None:
        (tmp_path / "config.yml").write_text(text)
    done = sls("package", folder=tmp_path, **LOCAL)
    assert done.returncode == 1
    assert done.stderr.startswith("error: config.yml")
    assert done.stderr.count("\n") == 1
    assert said in done.stderr
