"""The service as `sls package` makes it, once for all tests here."""

import json
import os
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
TEMPLATE = "cloudformation-template-update-stack.json"


def make_package(folder: Path, *options: str) -> Path:
    """Package the service into the folder, as `sls package` does with these options.

    Without credentials: packaging asks no cloud.
    """
    environment = {
        "HOME": os.environ["HOME"],
        "PATH": os.environ["PATH"],
        "AWS_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SLS_TELEMETRY_DISABLED": "1",
    }
    command = ["node_modules/.bin/sls", "package", "--package", folder, *options]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def run_node(
    program: str, *arguments: object, given: object = None, **variables: str
) -> subprocess.CompletedProcess:
    """Run a program with the arguments, and `given` as JSON on standard input."""
    return subprocess.run(
        ["node", "-e", program, *map(str, arguments)],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], **variables},
        input=json.dumps(given),
        capture_output=True,
        text=True,
    )


def node(program: str, *arguments: object, given: object = None, **variables: str) -> object:
    """What the program prints, JSON."""
    done = run_node(program, *arguments, given=given, **variables)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def package(tmp_path_factory) -> Path:
    """The folder with the templates and archives."""
    return make_package(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="session")
def template_file(package) -> Path:
    """The CloudFormation template."""
    return package / TEMPLATE


@pytest.fixture(scope="session")
def resources(template_file) -> dict:
    """The template's resources by logical ID."""
    return json.loads(template_file.read_text())["Resources"]
