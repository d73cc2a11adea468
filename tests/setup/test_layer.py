"""plugins/python-layer.js: what a layer is for, and which files it may hold."""

import hashlib
import json
import os
import shutil
import subprocess

import pytest

from setup.environment import REPOSITORY

PROGRAM = """
const PythonLayer = require(`${process.argv[1]}/plugins/python-layer`);
const layer = { path: 'layer' };
const log = { warning: (text) => console.error(text) };
const progress = { create: () => ({ remove() {} }) };
const provider = { runtime: 'python3.13', architecture: 'arm64' };
const service = { provider, getLayer: () => layer };
const serverless = { service, serviceDir: process.cwd(), classes: { Error } };
const plugin = new PythonLayer(serverless, {}, { log, progress });
if (process.argv[2] === 'target') console.log(JSON.stringify(plugin.target()));
else plugin.build().then(() => console.log(layer.path), (error) => console.log(error.message));
"""
LAYER = {"LAMBDA_LAYER_PYTHON": "3.11", "LAMBDA_LAYER_PLATFORM": "linux_x86_64"}


def run(*arguments: str, folder=REPOSITORY, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["node", "-e", PROGRAM, str(REPOSITORY), *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **environment},
        capture_output=True,
        text=True,
        check=True,
    )


def test_on_the_local_cloud_a_layer_is_for_this_machine_unless_the_variable_is_empty():
    local = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}
    done = run("target", **local, **LAYER)
    assert json.loads(done.stdout) == {"version": "3.11", "platforms": ["linux_x86_64"]}
    assert done.stderr == ""
    target = json.loads(run("target", **local, **LAYER | {"LAMBDA_LAYER_PLATFORM": ""}).stdout)
    assert target["version"] == "3.11"
    assert target["platforms"]
    assert all("aarch64" in platform for platform in target["platforms"])


@pytest.mark.parametrize("endpoint", [{}, {"AWS_ENDPOINT_URL": "https://vpce.example.com"}])
def test_on_aws_what_is_left_in_the_shell_of_the_local_cloud_does_not_count(endpoint):
    done = run("target", **endpoint, **LAYER)
    target = json.loads(done.stdout)
    assert target["version"] == "3.13"
    assert all("aarch64" in platform for platform in target["platforms"])
    assert "LAMBDA_LAYER_PYTHON" in done.stderr
    assert "env --unset" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.fixture
def service(tmp_path):
    """A function that makes a service whose functions need one package, with that hash."""
    folder = tmp_path / "service"
    (folder / "handlers").mkdir(parents=True)
    shutil.copytree(REPOSITORY / "setup", folder / "setup")
    (folder / ".venv").symlink_to(REPOSITORY / ".venv")

    def make(digest: str):
        (folder / "handlers" / "requirements.txt").write_text("One_Package==1.0\n")
        (folder / "handlers" / "requirements-lock.txt").write_text(
            f"one-package==1.0 \\\n    --hash=sha256:{digest}\n"
        )
        return folder

    return make


def test_a_layer_holds_no_other_bytes_than_locked(index, home, service, tmp_path):
    address = index("one_package", "1.0")
    # Its files lie in a folder of the package's name as an index has it.
    shutil.move(tmp_path / "index" / "one_package", tmp_path / "index" / "one-package")
    [wheel] = (tmp_path / "index").rglob("*.whl")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    environment = {"PIP_INDEX_URL": address, "HOME": str(home)}
    folder = service(digest)
    done = run(folder=folder, **environment)
    assert (folder / done.stdout.strip() / "python" / "one_package.py").exists(), done.stdout

    # The same name and version with other bytes, of which the lock knows nothing.
    with wheel.open("ab") as file:
        file.write(b"\0")
    shutil.rmtree(folder / "layer")
    done = run(folder=folder, **environment)
    assert done.stdout.count("\n") == 1
    assert "DO NOT MATCH THE HASHES" in done.stdout
    assert not (folder / "layer").exists() or not any((folder / "layer").iterdir())


def test_a_lock_older_than_the_requirements_is_one_line_with_the_command(service):
    folder = service("0" * 64)
    with (folder / "handlers" / "requirements.txt").open("a") as file:
        file.write("another==2.0\n")
    done = run(folder=folder)
    assert "lacks another==2.0" in done.stdout
    assert "python -m setup.lock_layer" in done.stdout
    assert done.stdout.count("\n") == 1
