"""The workflows of a folder, run on this machine by act: https://nektosact.com

What needs GitHub is replaced: actions/checkout by act's own copy of the folder, the action that
sets up a runner, and the one that asks AWS for credentials.
"""

import re
import subprocess
from pathlib import Path

from setup.environment import REPOSITORY, clean

SETUP = Path(".github/actions/setup/action.yml")
STEPS = """\
name: stand-in
description: {description}
runs:
  using: composite
  steps:
    - shell: bash
      run: |
"""


def write_action(path: Path, description: str, *lines: str) -> None:
    """Write an action that runs these lines of shell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    indented = "".join(f"        {line}\n" for line in lines)
    path.write_text(STEPS.format(description=description) + indented)


def git(folder: Path, *arguments: str) -> str:
    """What git prints."""
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(folder: Path) -> None:
    """Commit all that the folder holds, as main."""
    if not (folder / ".git").exists():
        git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "a change")


def run(
    folder: Path, event: str, workflow: str, credentials: Path, cache: Path, **variables: str
) -> subprocess.CompletedProcess:
    """Run a workflow as if the event had happened.

    credentials: the folder of the action that stands in for AWS's; cache: where act works;
    variables: those of the repository and its environments.
    """
    [action] = {
        found
        for path in (folder / ".github" / "workflows").glob("*.yml")
        for found in re.findall(r"aws-actions/configure-aws-credentials@\w+", path.read_text())
    }
    command = [REPOSITORY / ".venv" / "bin" / "act", event, "--no-cache-server"]
    command += ["--workflows", f".github/workflows/{workflow}"]
    command += ["--platform", "ubuntu-24.04=-self-hosted"]
    command += ["--local-repository", f"{action}={credentials}"]
    for name, value in variables.items():
        command += ["--var", f"{name}={value}"]
    # No settings of a person's, who may use act too.
    folders = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"), str(cache))
    environment = clean() | folders
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
