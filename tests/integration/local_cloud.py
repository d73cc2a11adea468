"""The local cloud, by its commands alone."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from setup.environment import clean


class LocalCloud:
    """The one of a folder and a port."""

    def __init__(self, folder: Path, port: int):
        self.folder, self.port = folder, port

    def run(self, *arguments: str) -> str:
        """What `python -m local` prints."""
        done = subprocess.run(
            [sys.executable, "-m", "local", *arguments, "--port", str(self.port)],
            cwd=self.folder,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def variables(self) -> dict[str, str]:
        """The environment of a command that talks to it."""
        own = json.loads(self.run("env", "--json"))
        return clean() | {name: value for name, value in own.items() if value is not None}

    def end(self) -> None:
        """End it and remove what it leaves."""
        self.run("down")
        shutil.rmtree(self.folder / ".local" / str(self.port))
