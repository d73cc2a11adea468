"""What a person's shell must be without to talk to the local cloud."""

import pytest

from local.shell import clean, misleading

SHELL = {
    "PATH": "/usr/bin",
    "HOME": "/home/person",
    "LC_ALL": "POSIX",
    "HTTPS_PROXY": "http://proxy.example:3128",
    "PIP_INDEX_URL": "https://packages.example/simple",
    "npm_config_registry": "https://packages.example/npm",
}
ASTRAY = {
    "AWS_PROFILE": "production",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_ENDPOINT_URL_S3": "https://s3.example",
    "NODE_ENV": "production",
    "NODE_OPTIONS": "--require /nowhere",
    "npm_config_omit": "dev",
    "NPM_CONFIG_PRODUCTION": "true",
    "PIP_USER": "1",
    "PIP_TARGET": "/somewhere",
    "PIP_NO_DEPS": "1",
    "PIP_REQUIRE_VIRTUALENV": "1",
    "PYTHONPATH": "/other/project",
    "PYTHONDONTWRITEBYTECODE": "1",
    "SLS_LOG_LEVEL": "debug",
    "SM_MODEL_DIR": "/elsewhere",
    "proxy": "http://proxy.example:3128",
}


def test_a_shell_is_told_what_leads_astray_and_keeps_its_own():
    named = misleading(SHELL | ASTRAY | {"EDITOR": "vi", "PS1": "$ "})
    assert sorted(named) == sorted(ASTRAY)


@pytest.mark.parametrize("name", ["AWS_$(touch pwned)", "AWS_A;id", "AWS_É", "AWS_A\n", "AWS_A-B"])
def test_a_name_that_would_be_code_in_a_shell_is_not_told(name):
    assert misleading({name: "1"}) == []


def test_nothing_of_it_reaches_what_is_started_here():
    kept = clean(SHELL | ASTRAY)
    assert kept.items() >= SHELL.items()
    assert not set(ASTRAY) & set(kept)
