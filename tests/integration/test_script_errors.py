"""A script that cannot do its work says so in one line that tells what to do, and exits 1."""

import dataclasses
import os

import pytest

NO_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
ABSENT = "s3://bucket/training/absent/model.tar.gz"


@pytest.mark.parametrize(
    ("command", "variables", "words"),
    [
        (("bulk", "status", "--stage", "nowhere"), {}, ("nowhere", "sls deploy")),
        (("monitor", "baseline", "--stage", "nowhere"), {}, ("nowhere", "sls deploy")),
        (("execution_graph", "no-such-execution"), {}, ("no-such-execution",)),
        (("train",), NO_CREDENTIALS, ("credentials",)),
        (("deploy_endpoint", "--model-data", ABSENT), {}, ("absent",)),
    ],
)
def test_it_fails_in_one_line(service, command, variables, words):
    name, *arguments = command
    env = {**service.env, **variables}
    failed = dataclasses.replace(service, env=env).script(name, *arguments, check=False)
    assert failed.returncode == 1, failed
    (line,) = failed.stderr.strip().splitlines()
    for word in words:
        assert word in line
