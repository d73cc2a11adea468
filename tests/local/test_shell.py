"""`python -m local env` and `env --unset` in a person's shell."""

import json
import os
import shlex
import shutil
import subprocess
import sys

import pytest

from local import environment, paths

SHELLS = [name for name in ("sh", "dash", "bash", "zsh") if shutil.which(name)]
LOCAL = f"{shlex.quote(sys.executable)} -E -s -m local env --port 4999"
ENV = f'eval "$({LOCAL})"'
UNSET = f'eval "$({LOCAL} --unset)"'
OWN = {
    "AWS_PROFILE": "production",
    "AWS_REGION": "eu-west-1",
    "AWS_CONFIG_FILE": '/home/person/it\'s; "here" $HOME `pwd`\nand here',
    "NO_PROXY": "",
    "PYTHONWARNINGS": "ignore",
    "EDITOR": "vi",
}
SAY = f"{shlex.quote(sys.executable)} -I -c 'import json, os; print(json.dumps(dict(os.environ)))'"


def variables(shell: str, *commands: str, say: str = SAY) -> dict[str, str]:
    """The environment of a process that the shell starts after these commands."""
    own = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **OWN}
    done = subprocess.run(
        [shell, "-euc", "\n".join([*commands, say])],
        cwd=paths.REPOSITORY,
        env=own,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    return {name: value for name, value in found.items() if name not in ("_", "SHLVL", "OLDPWD")}


@pytest.mark.parametrize("shell", SHELLS)
def test_unset_puts_the_shell_back_to_what_it_was(shell):
    before = variables(shell)
    local = variables(shell, ENV)
    assert local["AWS_ENDPOINT_URL"] == paths.url(4999)
    assert "AWS_PROFILE" not in local
    assert environment.UNDO not in local
    assert variables(shell, ENV, UNSET) == before
    assert variables(shell, ENV, ENV, UNSET) == before
    assert variables(shell, ENV, UNSET, ENV) == local


def test_unset_in_a_child_of_that_shell_leaves_nothing_of_the_local_cloud():
    child = f"sh -c {shlex.quote(UNSET + chr(10) + SAY)}"
    left = variables("sh", ENV, child, say="")
    exported = {name for name, value in environment.for_shell(4999).items() if value is not None}
    assert not exported & set(left)
    assert left["EDITOR"] == "vi"


def test_unset_in_a_shell_that_never_had_it_is_no_error():
    assert variables("sh", UNSET)["EDITOR"] == "vi"
