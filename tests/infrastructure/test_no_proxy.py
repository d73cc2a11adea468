"""plugins/no-proxy.js: when osls forgets the proxies of the shell."""

import pytest

from tests.infrastructure.conftest import node

PROGRAM = """
const NoProxy = require('./plugins/no-proxy');
new NoProxy();
console.log(JSON.stringify([process.env.https_proxy ?? null, NoProxy.environment().https_proxy]));
"""
PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("variables", "seen"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}, None),
        ({"AWS_ENDPOINT_URL": "https://vpce.example.com"}, PROXY),
        ({}, PROXY),
    ],
)
def test_osls_sees_no_proxy_where_the_cloud_is_on_this_machine_and_pip_sees_it_always(
    variables, seen
):
    assert node(PROGRAM, https_proxy=PROXY, **variables) == [seen, PROXY]
