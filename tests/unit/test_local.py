"""Where local/ has a copy of what the service or setup/ has, the two agree."""

import re

import pytest

import local.environment
import local.paths
import local.settings
import local.shell
import setup.environment
from service import stack
from service.config import ROOT
from tests.unit.service.test_loopback import ELSEWHERE, LOOPBACK


def test_the_functions_have_the_runtime_of_serverless_yml():
    [runtime] = re.findall(r"^  runtime: (\S+)$", (ROOT / "serverless.yml").read_text(), re.M)
    assert local.settings.read().runtime == runtime


def test_tools_are_as_quiet():
    assert local.shell.QUIET == setup.environment.QUIET


def test_packages_come_from_the_same_places():
    assert local.shell._PIP_SOURCES == setup.environment._PIP_SOURCES


def test_the_local_cloud_s_region_is_the_same():
    assert local.environment.REGION == stack.LOCAL_REGION


@pytest.mark.parametrize("address", [*LOOPBACK, *filter(None, ELSEWHERE)])
def test_the_same_addresses_are_loopback_ones(address):
    assert (local.paths.loopback_port(address) is not None) == stack.is_loopback(address)
