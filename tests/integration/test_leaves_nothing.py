"""What a demo does outside its folder: nothing. Seen on a machine whose network leads nowhere."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.drawings import write_cifar_archive
from tests.ports import free_port

WATCHER = Path(__file__).with_name("network_watcher.py")
# A network of its own, of which this process is the administrator.
NAMESPACE = ("unshare", "--user", "--map-root-user", "--net")


def can_have_a_network_of_its_own() -> bool:
    try:
        done = subprocess.run([*NAMESPACE, "ip", "link", "add", "out", "type", "veth"])
    except FileNotFoundError:
        return False
    return done.returncode == 0


def run(folder: Path, env: dict, *command: str) -> dict:
    """The command's exit status, what it printed, and the addresses that it wrote to."""
    done = subprocess.run(
        [*NAMESPACE, sys.executable, WATCHER, *command],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.proof
def test_a_demo_writes_no_file_outside_its_folder_and_connects_to_nobody(demo, tmp_path):
    copy = demo.folder  # where the first demo has had pip make the functions' layer
    if not can_have_a_network_of_its_own():
        pytest.skip("this machine gives nobody a network of their own")
    outside = {name: tmp_path / name for name in ("HOME", "TMPDIR")}
    for folder in outside.values():
        folder.mkdir()
    archive = write_cifar_archive(tmp_path / "cifar-100-python.tar.gz", train=260)
    env = {**os.environ, **{name: str(folder) for name, folder in outside.items()}}
    env |= {"CIFAR_ARCHIVE": str(archive)}

    # The watcher sees what it is there to see.
    asking = "import urllib.request as r; r.urlopen('http://192.0.2.7:81', timeout=1)"
    assert run(copy, env, sys.executable, "-c", asking)["addresses"] == ["tcp 192.0.2.7:81"]

    port = str(free_port())
    done = run(copy, env, sys.executable, "-m", "scripts.demo", "--port", port)
    subprocess.run([sys.executable, "-m", "local", "down", "--port", port], cwd=copy, check=True)
    assert done["status"] == 0, done["output"]
    assert done["addresses"] == []
    for folder in outside.values():
        assert [str(path) for path in folder.rglob("*")] == []
