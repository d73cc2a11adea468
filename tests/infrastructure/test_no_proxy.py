"""plugins/no-proxy.js: when osls forgets the proxies of the shell."""

import json
import os
import subprocess

import pytest

from tests.infrastructure.conftest import REPOSITORY

PROGRAM = """
const NoProxy = require('./plugins/no-proxy');
new NoProxy();
console.log(JSON.stringify([process.env.https_proxy ?? null, NoProxy.environment().https_proxy]));
"""
PROXY = "http://proxy.example:3128"


def proxies(**variables: str) -> list:
    """[the proxy that osls sees, the proxy that pip sees]."""
    done = subprocess.run(
        ["node", "-e", PROGRAM],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "https_proxy": PROXY, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("endpoint", "exempt"),
    [
        ("http://127.0.0.1:4566", "localhost, 127.0.0.1"),
        ("https://vpce.example.com", ".example.com"),
        ("https://vpce.example.com", "*"),
    ],
)
@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_an_endpoint_that_no_proxy_names_is_reached_directly(endpoint, exempt, name):
    seen = proxies(AWS_ENDPOINT_URL=endpoint, **{name: exempt})
    assert seen == [None, PROXY]


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"NO_PROXY": "127.0.0.1"},
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"},
        {"AWS_ENDPOINT_URL": "https://notexample.com", "NO_PROXY": "example.com"},
        {"AWS_ENDPOINT_URL": "no address", "NO_PROXY": "address"},
    ],
)
def test_any_other_goes_through_the_proxy(variables):
    assert proxies(**variables) == [PROXY, PROXY]
