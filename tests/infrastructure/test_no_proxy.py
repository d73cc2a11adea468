"""plugins/no-proxy.js: when osls forgets the proxies of the shell."""

import pytest

from tests.infrastructure.conftest import node

PROGRAM = """
const NoProxy = require('./plugins/no-proxy');
new NoProxy();
console.log(JSON.stringify([process.env.https_proxy ?? null, NoProxy.environment().https_proxy]));
"""
PROXY = "http://proxy.example:3128"
LOCAL, AWS = "http://127.0.0.1:4566", "https://vpce.example.com"


@pytest.mark.parametrize(
    ("variables", "seen"),
    [
        ({"AWS_ENDPOINT_URL": LOCAL, "NO_PROXY": "localhost, 127.0.0.1"}, None),
        ({"AWS_ENDPOINT_URL": AWS, "no_proxy": ".example.com"}, None),
        ({"AWS_ENDPOINT_URL": AWS, "NO_PROXY": "*"}, None),
        ({}, PROXY),
        ({"NO_PROXY": "127.0.0.1"}, PROXY),
        ({"AWS_ENDPOINT_URL": LOCAL}, PROXY),
        ({"AWS_ENDPOINT_URL": "https://notexample.com", "NO_PROXY": "example.com"}, PROXY),
        ({"AWS_ENDPOINT_URL": "no address", "NO_PROXY": "address"}, PROXY),
    ],
)
def test_osls_sees_no_proxy_where_no_proxy_names_the_endpoint_and_pip_sees_it_always(
    variables, seen
):
    assert node(PROGRAM, https_proxy=PROXY, **variables) == [seen, PROXY]
