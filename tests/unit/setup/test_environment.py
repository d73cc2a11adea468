"""What of a person's environment reaches the project's processes, and which Node fits."""

import json
import subprocess

import pytest

from setup import environment
from setup.__main__ import satisfies

SHELL = {
    "PATH": "/usr/bin",
    "HOME": "/home/person",
    "LC_ALL": "POSIX",
    "HTTPS_PROXY": "http://proxy.example:3128",
    "CIFAR_ARCHIVE": "/data/cifar-100-python.tar.gz",
    "PIP_INDEX_URL": "https://packages.example/simple",
    "npm_config_registry": "https://packages.example/npm",
}
ASTRAY = {
    "AWS_PROFILE": "production",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_ENDPOINT_URL_S3": "https://s3.example",
    "NODE_ENV": "production",
    "NODE_OPTIONS": "--require /nowhere",
    "NPM_CONFIG_PRODUCTION": "true",
    "PIP_USER": "1",
    "PIP_TARGET": "/somewhere",
    "PIP_REQUIRE_VIRTUALENV": "1",
    "PYTEST_ADDOPTS": "--pdb",
    "PYTHONPATH": "/other/project",
    "SLS_LOG_LEVEL": "debug",
    "SM_MODEL_DIR": "/elsewhere",
    "proxy": "http://proxy.example:3128",
}


def test_what_says_where_things_come_from_is_kept_and_what_leads_astray_is_not():
    clean = environment.clean(SHELL | ASTRAY)
    assert clean.items() >= SHELL.items()
    assert not set(ASTRAY) & set(clean)


def test_tools_write_below_the_repository_and_report_to_nobody():
    clean = environment.clean(SHELL | {"TMPDIR": "/tmp", "XDG_CACHE_HOME": "/home/person/.cache"})
    for name in ("TMPDIR", "XDG_CACHE_HOME", "MPLCONFIGDIR", "npm_config_cache"):
        assert clean[name].startswith(str(environment.REPOSITORY))
    assert clean["ORT_DISABLE_TELEMETRY"] == "1"


def test_one_index_is_the_one_named_or_pip_s_own_and_never_an_extra_one():
    own = {"PIP_CERT": "/certificates.pem", "PIP_INDEX_URL": "https://own.example"}
    others = {
        "PIP_FIND_LINKS": "/wheels",
        "PIP_EXTRA_INDEX_URL": "https://extra.example",
        "PIP_NO_INDEX": "1",
    }
    assert environment.only_index(own | others) == own
    named = {**own, "PIP_INDEX_URL": "https://one.example"}
    assert environment.only_index(own | others, "https://one.example") == named


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("WARNING: x\nERROR: no such package\n", "no such package"),
        (
            "npm error code ENOSPC\nnpm error nospc no space left\n"
            "npm error A complete log of this run can be found in: /log\n",
            "code ENOSPC nospc no space left",
        ),
        ("Traceback\nOSError: disk full\n", "OSError: disk full"),
        ("", "exit 2"),
    ],
)
def test_the_reason_of_a_failure_is_what_the_tool_said(said, reason):
    assert environment.reason(subprocess.CompletedProcess([], 2, "", said)) == reason


def test_the_versions_of_node_that_osls_runs_on_fit_and_no_other():
    package = json.loads((environment.REPOSITORY / "package.json").read_text())
    for version in ((20, 19, 0), (20, 20, 2), (22, 13, 0), (24, 0, 0), (25, 1, 0)):
        assert satisfies(version, package["engines"]["node"]), version
    for version in ((18, 20, 4), (20, 18, 9), (21, 9, 9), (22, 12, 0), (23, 11, 0)):
        assert not satisfies(version, package["engines"]["node"]), version
