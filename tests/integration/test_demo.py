"""`make demo`: the whole job, twice, in a copy of the repository with a local cloud of its own."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.drawings import write_cifar_archive
from tests.integration.conftest import free_port
from tests.integration.service import REPOSITORY

# Credentials and addresses that a shell may hold, and that the demo must not use.
AWS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "a-session",
    "AWS_PROFILE": "production",
    "AWS_REGION": "eu-central-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The tracked files in a folder of their own, with the environments linked in."""
    folder = tmp_path_factory.mktemp("copy") / "scones-vehicles"
    listed = subprocess.check_output(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=REPOSITORY, text=True
    )
    for name in listed.splitlines():
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / name)
    for name in (".venv", "node_modules"):
        (folder / name).symlink_to(REPOSITORY / name)
    return folder


@pytest.fixture(scope="module")
def demo(copy):
    """A function that runs the demo and gives its summary and what it printed."""
    # A fifth of the training photos validates, and a baseline takes a hundred of them.
    archive = write_cifar_archive(copy.parent / "cifar-100-python.tar.gz", train=260)
    port = ("--port", str(free_port()))
    env = {**os.environ, **AWS, "CIFAR_ARCHIVE": str(archive)}

    def run() -> tuple[dict, str]:
        command = [sys.executable, "-m", "scripts.demo", *port]
        done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads((copy / "build" / "demo.json").read_text()), done.stdout

    yield run
    subprocess.run([sys.executable, "-m", "local", "down", *port], cwd=copy, check=True)


def test_the_demo_does_the_whole_job_and_the_second_time_starts_from_what_is_there(demo, copy):
    first, said = demo()
    assert first["classes"] == ["bicycle", "motorcycle"]
    assert first["endpoint"] == "scones-vehicles-dev"
    assert first["accuracy"] > 0.8
    assert first["counts"]["submitted"] == 40
    assert first["counts"]["failed"] == 0
    assert first["executionArn"] in said
    assert first["monitoring"] in ("healthy", "violation")
    assert "</html>" in (copy / "build" / "monitoring" / "report.html").read_text()
    assert len(first["seconds"]) == 9

    second, said = demo()
    assert second["executionArn"] != first["executionArn"]
    assert second["accuracy"] == first["accuracy"]
    assert second["counts"] == first["counts"]
    assert "0 sent" in said
    assert second["seconds"]["train"] == 0
