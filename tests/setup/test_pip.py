"""Where packages come from and where they go, whatever a person's settings of pip say."""

import os
import subprocess

import pytest

from setup import __main__ as setup
from setup import environment
from tests.setup.conftest import write_wheel


@pytest.fixture
def variables(python, home, monkeypatch):
    """pip's environment with the wheels of the home folder as its only source."""
    for name in [name for name in os.environ if name.upper().startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PIP_TARGET", str(home / "elsewhere"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    found = environment.pip_environment(python)
    return {name: value for name, value in found.items() if name != "PIP_CONSTRAINT"}


def version_in(python, name: str) -> str:
    say = f"from importlib.metadata import version; print(version({name!r}))"
    done = subprocess.run([python, "-I", "-c", say], capture_output=True, text=True)
    return done.stdout.strip()


def test_settings_of_where_from_are_kept_and_those_of_where_to_are_not(python, home, variables):
    assert f"{home}/wheels" in variables["PIP_FIND_LINKS"].split()
    write_wheel(home / "wheels", "onepackage", "1.0")
    setup.pip(python, variables, "onepackage")
    assert version_in(python, "onepackage") == "1.0"
    assert not (home / "elsewhere").exists()


def test_settings_that_pip_cannot_read_are_one_line(python, home):
    (home / ".config" / "pip" / "pip.conf").write_text("[global\n")
    with pytest.raises(environment.SetupError, match=r"pip\.conf") as raised:
        environment.pip_environment(python)
    assert "\n" not in str(raised.value)


def test_pytorch_comes_from_its_own_index_where_that_answers(
    python, home, variables, index, monkeypatch, capsys
):
    # Another source has PyTorch too, which is for the requirements to take.
    write_wheel(home / "wheels", "torch", "2.13.0")
    monkeypatch.setenv("TORCH_INDEX_URL", "http://127.0.0.1:9")
    setup.install_torch(python, variables)
    assert version_in(python, "torch") == ""
    printed = capsys.readouterr().out
    assert "http://127.0.0.1:9" in printed
    assert "does not answer" in printed
    assert printed.count("\n") == 1

    monkeypatch.setenv("TORCH_INDEX_URL", index("torch", "2.13.0+cpu"))
    setup.install_torch(python, variables)
    assert version_in(python, "torch") == "2.13.0+cpu"
    assert "PyTorch's CPU build" in capsys.readouterr().out
