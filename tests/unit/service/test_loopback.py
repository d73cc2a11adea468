"""Which addresses count as this machine's own."""

import pytest

from service.stack import require_loopback
from service.terminal import UserError

LOOPBACK = [
    "http://127.0.0.1:4566",
    "http://127.0.0.1:9",
    "https://127.8.9.1",
    "http://localhost:1/",
    "http://[::1]:1",
    "HTTP://LocalHost:65535",
]
ELSEWHERE = [
    None,
    "",
    "https://s3.eu-central-1.amazonaws.com",
    "http://127.0.0.1.example.com:4566",
    "http://127.0.0.1:4566@example.com",
    "http://localhost.example.com",
    "http://0.0.0.0:4566",
    "http://10.0.0.1:4566",
    "http://[::1",
    "127.0.0.1:4566",
    "localhost:4566",
    "file://localhost/etc",
    "http://127.0.0.1:4566/path",
    "http://127.0.0.1:4566\n",
    " http://127.0.0.1:4566",
    # What some parsers of addresses take for 127.0.0.1, and others not.
    "http://127.1:4566",
    "http://2130706433:4566",
    "http://0x7f.1",
    "http:/127.0.0.1:4566",
    "http://127。0。0。1",
    "http://127.0.0.\u0661",
    "http://127.0.0.1\\@evil.example/",
    "http://evil.example\\@127.0.0.1/",
    "http://127.0.0.1:999999",
    "http://[::1%25lo]",
]


@pytest.mark.parametrize("address", LOOPBACK)
def test_a_loopback_address_passes(address):
    require_loopback(address)


@pytest.mark.parametrize("address", ELSEWHERE)
def test_any_other_is_refused_in_one_line_that_says_what_to_do(address):
    with pytest.raises(UserError, match="python -m local env") as refused:
        require_loopback(address)
    assert "\n" not in str(refused.value)
