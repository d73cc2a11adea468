"""Training jobs and model servers as child processes.

On AWS each runs in a container on a machine of its own. Here each is a process group within the
server's session: a stop reaches all that a job started, and the supervisor, which ends the session,
leaves none behind. The environment is bare, as a container's is: no variable of the local cloud or
its user reaches a job.
"""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from local.shell import MACHINE

_SECONDS_TO_READ = 10


def environment(home: Path) -> dict[str, str]:
    """Variables of every child. `python` and `pip` on its PATH are the local cloud's own.

    They are scripts in the child's home folder: the SDK's scripts use their paths without quotes,
    and the local cloud's own path may hold spaces.
    """
    programs = home / "bin"
    programs.mkdir(exist_ok=True)
    python = shlex.quote(sys.executable)
    for name in ("python", "python3", "pip", "pip3"):
        command = f"{python} -m pip" if name.startswith("pip") else python
        (programs / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
        (programs / name).chmod(0o755)
    machine = {name: os.environ[name] for name in MACHINE if name in os.environ}
    return machine | {
        "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "ORT_DISABLE_TELEMETRY": "1",
        "PYTHONUNBUFFERED": "1",
    }


class Child:
    """A running command; `on_line` gets each line of its output, from a thread of its own."""

    def __init__(
        self, command: list[str], cwd: Path, env: dict[str, str], on_line: Callable[[str], None]
    ):
        self._process = subprocess.Popen(  # noqa: S603 - an image's command is what runs here
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
        )
        self._reader = threading.Thread(target=self._read, args=(on_line,), daemon=True)
        self._reader.start()

    @property
    def running(self) -> bool:
        """Whether the command itself is alive."""
        return self._process.poll() is None

    def wait(self, timeout: float | None = None) -> int | None:
        """The exit status once it ended and its output was read; None after `timeout` seconds."""
        try:
            status = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        self._signal(signal.SIGKILL)  # whatever it left running would hold its output open
        self._reader.join(_SECONDS_TO_READ)  # a process that left the group may hold it open still
        return status

    def stop(self, grace: float) -> int:
        """SIGTERM, then SIGKILL after `grace` seconds; returns the exit status."""
        self._signal(signal.SIGTERM)
        status = self.wait(grace)
        if status is None:
            self._signal(signal.SIGKILL)
            status = self.wait()
        return status

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _read(self, on_line: Callable[[str], None]) -> None:
        for line in self._process.stdout:
            on_line(line.rstrip("\n"))
