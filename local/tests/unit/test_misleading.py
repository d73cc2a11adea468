"""What a person's shell must be without to talk to the local cloud."""

import pytest

from local.shell import misleading

OWN = ("PATH", "LC_ALL", "EDITOR", "HTTPS_PROXY", "NODE_EXTRA_CA_CERTS", "PIP_INDEX_URL")
ASTRAY = (
    *("AWS_PROFILE", "AWS_USE_FIPS_ENDPOINT", "AWS_ENDPOINT_URL_S3", "NODE_ENV", "NODE_OPTIONS"),
    *("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "SLS_LOG_LEVEL", "SM_MODEL_DIR", "proxy"),
)


def test_a_shell_is_told_what_leads_astray_and_keeps_its_own():
    assert misleading([*OWN, *ASTRAY]) == list(ASTRAY)


@pytest.mark.parametrize("name", ["AWS_$(touch pwned)", "AWS_A;id", "AWS_É", "AWS_A\n", "AWS_A-B"])
def test_a_name_that_would_be_code_in_a_shell_is_not_told(name):
    assert misleading([name]) == []
