"""`python -m scripts.demo`, in a folder and on a local cloud of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

from setup.environment import clean

EPOCHS = "4"  # drawn vehicles are soon learned
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


class Demo:
    """Runs the demo on the archive's photos.

    `first` is the first run's summary, `said` what that run printed.
    """

    def __init__(self, folder: Path, port: int, archive: Path):
        self.folder, self.port, self.archive = folder, port, archive
        self.first, self.said = {}, ""

    def run(self) -> tuple[dict, str]:
        """The summary of a run, and what it printed."""
        env = {**AWS, "CIFAR_ARCHIVE": str(self.archive)}
        done = self._run("scripts.demo", env, "--epochs", EPOCHS)
        assert done.returncode == 0, done.stdout + done.stderr
        summary = json.loads((self.folder / "build" / "demo.json").read_text())
        if not self.first:
            self.first, self.said = summary, done.stdout
        return summary, done.stdout

    def variables(self) -> dict[str, str]:
        """The environment of a command that talks to the local cloud."""
        done = self._run("local", {}, "env", "--json")
        assert done.returncode == 0, done.stderr
        own = json.loads(done.stdout)
        return clean() | {name: value for name, value in own.items() if value is not None}

    def stop(self) -> None:
        """End the local cloud."""
        done = self._run("local", {}, "down")
        assert done.returncode == 0, done.stderr

    def _run(self, module: str, env: dict, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", module, *arguments, "--port", str(self.port)],
            cwd=self.folder,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
        )
