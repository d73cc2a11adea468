"""The processes of a session, and their end.

The server leads a session of its own (setsid). Whatever it starts, and whatever that starts, stays
in the session unless it makes one itself, so the session is what has to end with the server: also
when the server is killed.
"""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path


def members(session: int) -> list[int]:
    """Ids of the live processes in the session, this process left out."""
    pids = []
    for pid in _live_processes():
        with contextlib.suppress(OSError):
            if pid != os.getpid() and os.getsid(pid) == session:
                pids.append(pid)
    return pids


def end(session: int, seconds: float = 5.0) -> None:
    """Kill every process of the session, those started meanwhile too; returns when none is left.

    Gives up on processes that outlive SIGKILL for `seconds`.
    """
    deadline = time.monotonic() + seconds
    while (left := members(session)) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _live_processes() -> list[int]:
    """Every process but those that have ended and wait for their parent to notice."""
    proc = Path("/proc")
    if not proc.is_dir():
        listing = subprocess.run(
            ["/bin/ps", "-A", "-o", "pid=,stat="], capture_output=True, text=True, check=True
        )
        rows = map(str.split, listing.stdout.splitlines())
        return [int(pid) for pid, state in rows if not state.startswith("Z")]
    pids = []
    for entry in proc.iterdir():
        with contextlib.suppress(OSError, ValueError):
            # pid (command) state ..., where the command may hold anything
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            if state != "Z":
                pids.append(int(entry.name))
    return pids
