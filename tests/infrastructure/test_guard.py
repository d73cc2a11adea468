"""What `sls` refuses before it does anything: plugins/guard.js, region.js and config.js."""

import json
import os
import shutil
import subprocess

import pytest
import yaml

from scripts import config
from tests.infrastructure.conftest import REPOSITORY
from tests.unit.local.test_environment import ELSEWHERE, LOOPBACK
from tests.unit.scripts.test_config import WRONG, changed

LOCAL = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
BARE = {
    "PATH": os.environ["PATH"],
    "AWS_CONFIG_FILE": os.devnull,
    "NODE_NO_WARNINGS": "1",
    "SLS_TELEMETRY_DISABLED": "1",
}


def node(expression: str, *inputs: object) -> list:
    """What a function of a plugin answers for each of the inputs, a list of its arguments."""
    program = f"""
        const inputs = JSON.parse(require('node:fs').readFileSync(0));
        const answers = inputs.map((input) => ({expression})(...input) ?? null);
        console.log(JSON.stringify(answers));
    """
    done = subprocess.run(
        ["node", "-e", program],
        cwd=REPOSITORY,
        input=json.dumps(inputs),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_an_address_is_a_loopback_one_where_the_scripts_think_so():
    answers = node("require('./plugins/region').isLoopback", *([each] for each in LOOPBACK))
    assert all(answers)
    answers = node("require('./plugins/region').isLoopback", *([each] for each in ELSEWHERE))
    assert not any(answers)


def test_config_yml_is_held_to_the_schema():
    inputs = [[config.load()], *([changed(path, value)] for path, value, _ in WRONG)]
    good, *bad = node("require('./plugins/config').problems", *inputs)
    assert good == []
    for (_, _, said), problems in zip(WRONG, bad, strict=True):
        [problem] = problems
        # ajv says "must NOT have" and "must match", jsonschema "is not": the facts are the same.
        assert all(word in problem for word in said), problem


def test_stages_are_those_that_the_scripts_take():
    stages = ["dev", "2", "pr-17", "x" * 13]
    wrong = ["", "Dev", "my stage", "a/b", "-a", "a-", "a--b", "a_b", "dev\n", "x" * 14]
    service = config.load()["service"]
    said = node(
        "require('./plugins/guard').stageProblem", *([service, each] for each in stages + wrong)
    )
    for stage, problem in zip(stages + wrong, said, strict=True):
        assert (problem is None) == (config.stage_problem(stage) is None), stage
    [short] = node("require('./plugins/guard').stageProblem", [f"{service}-too", "x" * 10])
    assert "at most 9 " in short


def region_problem(environment: dict, **options: str) -> str | None:
    [problem] = node("require('./plugins/guard').regionProblem", [{**BARE, **environment}, options])
    return problem


@pytest.mark.parametrize(
    ("environment", "options"),
    [
        ({"AWS_REGION": "eu-west-1"}, {}),
        ({"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": ""}, {"region": "eu-west-1"}),
        ({"AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "eu-west-1"}, {"region": "eu-west-1"}),
        (LOCAL, {}),
        (LOCAL, {"region": "us-east-1"}),
    ],
)
def test_a_region_is_named_by_the_environment_or_is_the_local_cloud_s(environment, options):
    assert region_problem(environment, **options) is None


@pytest.mark.parametrize(
    ("environment", "options", "said"),
    [
        ({}, {}, ["export AWS_REGION="]),
        ({}, {"region": "eu-west-1"}, ["export AWS_REGION=eu-west-1"]),
        ({"AWS_ENDPOINT_URL": "https://vpce.example.com"}, {}, ["export AWS_REGION="]),
        (
            {"AWS_REGION": "eu-north-1"},
            {"region": "eu-west-1"},
            ["eu-north-1", "export AWS_REGION=eu-west-1"],
        ),
        (LOCAL, {"region": "eu-west-1"}, ["us-east-1", "export AWS_REGION=eu-west-1"]),
        ({"AWS_REGION": "us-gov-west-1"}, {}, ["us-gov-west-1", "commercial"]),
        ({"AWS_REGION": "cn-north-1"}, {}, ["cn-north-1", "commercial"]),
        ({"AWS_REGION": "us-iso-east-1"}, {}, ["us-iso-east-1", "commercial"]),
        ({"AWS_REGION": "us-isob-east-1"}, {}, ["us-isob-east-1", "commercial"]),
    ],
)
def test_any_other_region_is_refused_in_one_line_that_says_what_to_do(environment, options, said):
    problem = region_problem(environment, **options)
    assert all(word in problem for word in said), problem
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("profile", "options", "region"),
    [
        ({}, {}, "eu-west-3"),
        ({"AWS_PROFILE": "work"}, {}, "eu-south-2"),
        ({"AWS_PROFILE": "other"}, {"aws-profile": "work"}, "eu-south-2"),
    ],
)
def test_the_region_of_the_profile_is_named_and_not_used(tmp_path, profile, options, region):
    file = tmp_path / "config"
    file.write_text(
        "[default]\nregion = eu-west-3\n[profile other]\noutput = json\n"
        "[profile work]\noutput = json\nregion=eu-south-2\n"
    )
    problem = region_problem({"AWS_CONFIG_FILE": str(file), **profile}, **options)
    assert f"{region}, is not used" in problem
    assert f"export AWS_REGION={region}" in problem


def sls(*arguments: str, folder=REPOSITORY, **environment: str) -> subprocess.CompletedProcess:
    command = [REPOSITORY / "node_modules" / ".bin" / "sls", *arguments]
    return subprocess.run(
        command, cwd=folder, env={**BARE, **environment}, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["package"], {}, "export AWS_REGION="),
        (["deploy", "--stage", "feature-checkout"], LOCAL, "feature-checkout"),
        (["remove", "--region", "eu-west-1"], LOCAL, "--region eu-west-1"),
    ],
)
def test_sls_ends_in_one_line_before_it_calls_anybody(arguments, environment, said):
    done = sls(*arguments, **environment)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert said in done.stderr


def test_sls_names_a_key_that_config_yml_lacks_rather_than_the_lines_that_use_it(tmp_path):
    for name in ("plugins", "statemachine", "dashboard.yml"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    shutil.copy(REPOSITORY / "serverless.yml", tmp_path)  # sls takes no link for it
    (tmp_path / "config.yml").write_text(yaml.safe_dump(changed("threshold", None)))
    done = sls("package", folder=tmp_path, **LOCAL)
    assert done.returncode == 1
    assert done.stderr == "error: config.yml: must have required property 'threshold'\n"
