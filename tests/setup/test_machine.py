"""What a machine has or lacks, found before anything is installed."""

import os
import subprocess

import pytest

from setup import __main__ as setup
from setup.environment import REPOSITORY
from tests.programs import write_program


def find_python(path, given: str = "") -> subprocess.CompletedProcess:
    """Run setup/find-python.sh with that PATH; the shell itself needs none."""
    return subprocess.run(
        ["/bin/sh", REPOSITORY / "setup" / "find-python.sh", given],
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
    )


def test_python_3_11_comes_first_then_whatever_fits(tmp_path):
    path = tmp_path / "bin"
    wanted = write_program(path / "python3.13", "exit 0")
    write_program(path / "python3", "exit 0")
    assert find_python(path).stdout.strip() == str(wanted)
    first = write_program(path / "python3.11", "exit 0")
    assert find_python(path).stdout.strip() == str(first)


@pytest.mark.parametrize(
    ("given", "text", "words"),
    [
        ("", "exit 1", "no Python from 3.11.4 to 3.13"),
        ("python3.10", "exit 1", "python3.10 is no Python from 3.11.4 to 3.13"),
        ("", 'case "$*" in *ensurepip*) exit 1; esac', "install its venv package"),
    ],
)
def test_another_python_is_refused_in_one_line(tmp_path, given, text, words):
    write_program(tmp_path / (given or "python3.11"), text)
    done = find_python(tmp_path, given)
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("programs", "words"),
    [
        ({}, "there is no node"),
        ({"node": "echo v22.13.0"}, "there is no npm"),
        ({"node": "echo v18.20.4", "npm": "exit 0"}, r"Node v18\.20\.4 .* does not fit"),
        ({"node": "echo broken >&2; exit 1", "npm": "exit 0"}, "Node broken .* does not fit"),
    ],
)
def test_a_node_that_is_missing_or_too_old_is_refused(tmp_path, monkeypatch, programs, words):
    for name, text in programs.items():
        write_program(tmp_path / name, text)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(setup.SetupError, match=words) as raised:
        setup.find_node()
    assert "install Node ^20.19.0" in str(raised.value)


def test_a_folder_that_lost_files_is_not_complete(tmp_path):
    folder = tmp_path / "venv"
    (folder / "lib").mkdir(parents=True)
    for number in range(3):
        (folder / "lib" / f"{number}.py").touch()
    assert setup.read_state(folder) is None
    setup.write_state(folder, {"recipe": "r"})
    assert setup.read_state(folder)["recipe"] == "r"
    (folder / "lib" / "__pycache__").mkdir()
    (folder / "lib" / "more.py").touch()
    assert setup.read_state(folder)["recipe"] == "r"
    os.remove(folder / "lib" / "0.py")
    os.remove(folder / "lib" / "more.py")
    assert setup.read_state(folder) is None
