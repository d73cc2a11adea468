"""`python -m scripts.demo`, in a folder and on a local cloud of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.integration.local_cloud import LocalCloud

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

    `cloud` is its local cloud, `first` the first run's summary, `said` what that run printed.
    """

    def __init__(self, folder: Path, port: int, archive: Path):
        self.folder, self.archive = folder, archive
        self.cloud = LocalCloud(folder, port)
        self.first, self.said = {}, ""

    def run(self) -> tuple[dict, str]:
        """The summary of a run, and what it printed."""
        command = [sys.executable, "-m", "scripts.demo", "--epochs", EPOCHS]
        done = subprocess.run(
            [*command, "--port", str(self.cloud.port)],
            cwd=self.folder,
            env={**os.environ, **AWS, "CIFAR_ARCHIVE": str(self.archive)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        summary = json.loads((self.folder / "build" / "demo.json").read_text())
        if not self.first:
            self.first, self.said = summary, done.stdout
        return summary, done.stdout
