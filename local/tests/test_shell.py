"""`python -m local env` and `env --unset` in a person's shell."""

import json
import os
import shlex
import shutil
import subprocess
import sys

import pytest

from local import environment, paths

SHELLS = [name for name in ("dash", "bash", "zsh") if shutil.which(name)]
PORT = 4999
LOCAL = f"{shlex.quote(sys.executable)} -E -s -m local env --port {PORT}"
ENV = f'eval "$({LOCAL})"'
UNSET = f'eval "$({LOCAL} --unset)"'
SAY = f"{shlex.quote(sys.executable)} -I -c 'import json, os; print(json.dumps(dict(os.environ)))'"
OWN = {
    "PATH": os.environ["PATH"],
    "HOME": os.environ["HOME"],
    "AWS_PROFILE": "production",
    "AWS_REGION": "eu-west-1",
    "AWS_CONFIG_FILE": '/home/person/it\'s; "here" $HOME `pwd`\nand here',
    "NO_PROXY": "",
    "PYTHONWARNINGS": "ignore",
    "EDITOR": "vi",
}


def variables(shell: str, *commands: str, say: str = SAY) -> dict[str, str]:
    """The environment of a process that a person's shell starts after these commands."""
    done = subprocess.run(
        [shell, "-euc", "\n".join([*commands, say])],
        cwd=paths.FOLDER,
        env=OWN,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    return {name: value for name, value in found.items() if name not in ("_", "SHLVL", "OLDPWD")}


@pytest.fixture
def printed(monkeypatch):
    """A function that gives what `env` prints where these are the shell's variables."""

    def code(shell: dict[str, str]) -> str:
        for name in set(os.environ) - set(shell):
            monkeypatch.delenv(name)
        for name, value in shell.items():
            monkeypatch.setenv(name, value)
        return environment.shell_code(PORT)

    return code


@pytest.mark.parametrize("shell", SHELLS)
def test_unset_puts_the_shell_back_to_what_it_was(shell, printed):
    before = variables(shell)
    env = printed(OWN)
    local = variables(shell, env)
    assert local["AWS_ENDPOINT_URL"] == paths.url(PORT)
    assert not {"AWS_PROFILE", "PYTHONWARNINGS", environment.UNDO} & set(local)
    again, undo = printed(local), environment.undo_code(PORT)
    assert variables(shell, env, undo) == before
    assert variables(shell, env, again, undo) == before
    assert variables(shell, env, undo, env) == local


def test_both_are_for_eval():
    assert variables("sh", ENV)["AWS_ENDPOINT_URL"] == paths.url(PORT)
    assert variables("sh", ENV, ENV, UNSET) == variables("sh")


def test_unset_in_a_child_of_that_shell_leaves_nothing_of_the_local_cloud(printed):
    env = printed(OWN)
    printed(variables("sh", env))
    code = "\n".join([environment.undo_code(PORT), SAY])
    child = variables("sh", env, say=f"sh -c {shlex.quote(code)}")
    exported = {
        name for name, value in environment.shell_variables(PORT).items() if value is not None
    }
    assert not exported & set(child)
    assert child["EDITOR"] == "vi"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("address", [{}, {"AWS_ENDPOINT_URL": "https://vpce.example.com"}])
def test_unset_changes_nothing_where_env_never_was(shell, address, printed, monkeypatch):
    own = OWN | {"AWS_ACCESS_KEY_ID": "AKIA", "NO_PROXY": "example.com", **address}
    monkeypatch.setitem(globals(), "OWN", own)
    env = printed(own)
    undo = environment.undo_code(PORT)
    assert variables(shell, undo, undo) == variables(shell)
    assert variables(shell, env, undo, undo) == variables(shell)
