"""Benchmarks of a deployed service end before they could reach AWS."""

import importlib
import sys

import pytest

from benchmarks.local_cloud import LocalCloud

LOCAL, ELSEWHERE = "http://127.0.0.1:9", "https://elsewhere.example"


@pytest.fixture
def shell(no_aws, monkeypatch):
    """A function that sets variables where no other names AWS."""
    return lambda **variables: [monkeypatch.setenv(*each) for each in variables.items()]


def test_a_client_of_the_loopback_interface_is_given_and_any_other_ends_the_benchmark(shell):
    for variables in (
        {},
        {"AWS_ENDPOINT_URL": ELSEWHERE},
        {"AWS_ENDPOINT_URL": LOCAL, "AWS_ENDPOINT_URL_S3": ELSEWHERE},
        {"AWS_ENDPOINT_URL_S3": LOCAL, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
    ):
        shell(**variables)
        with pytest.raises(SystemExit, match=r"loopback|AWS_ENDPOINT_URL is not set"):
            LocalCloud().client("s3")
    shell(AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="false")
    assert LocalCloud().client("s3").meta.endpoint_url == LOCAL


@pytest.mark.parametrize("name", ["classify", "workflow"])
def test_no_benchmark_starts_elsewhere(shell, monkeypatch, name):
    # Were it to start, it would find nobody there.
    shell(HTTPS_PROXY=LOCAL, AWS_ENDPOINT_URL=ELSEWHERE)
    monkeypatch.setattr(sys, "argv", [name])
    with pytest.raises(SystemExit, match="loopback"):
        importlib.import_module(f"benchmarks.{name}").main()
