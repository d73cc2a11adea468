"""The processes of a session, and their end.

The server leads a session of its own (setsid). Whatever it starts, and whatever that starts, stays
in the session unless it makes one itself, so the session is what has to end with the server: also
when the server is killed.
"""

import contextlib
import os
import signal
import time
from pathlib import Path


def members(session: int) -> list[int]:
    """Ids of the live processes in the session, this process left out."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # pid (command) state ppid pgrp session ..., where the command may hold anything
            state, _, _, its_session = file.read_text().rpartition(")")[2].split()[:4]
            if state != "Z" and int(its_session) == session:
                found.append(int(file.parent.name))
    return [pid for pid in found if pid != os.getpid()]


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
