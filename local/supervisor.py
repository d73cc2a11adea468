"""`python -m local.supervisor PORT PYTHON`: runs the server and ends what is left of it.

The server leads a session of its own (setsid). Whatever it starts, and whatever that starts, stays
in the session unless it makes one itself, so the session is what has to end with the server. Two
processes watch each other, so that neither's death leaves anything behind:
- the supervisor waits for the server and, however it ended, kills the rest of its session;
- the server holds one end of a pipe whose other end closes with the supervisor (see server.py).

The supervisor holds the lock in the local cloud's folder as long as it lives: that, rather than a
process id, which another process may have by then, tells whether a local cloud is up.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from local import paths


def start(port: int, python: Path) -> subprocess.Popen:
    """Start the supervisor, apart from this process and its terminal."""
    home = paths.home(port)
    home.mkdir(parents=True, exist_ok=True)
    with (home / "server.log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-E", "-s", "-m", "local.supervisor", str(port), str(python)],
            cwd=paths.FOLDER,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def is_up(home: Path) -> bool:
    """Whether a supervisor lives."""
    if not home.exists():
        return False
    lock = _lock(home)
    if lock:
        lock.close()
    return not lock


def ports_up() -> list[int]:
    """The ports on which this folder's local clouds are up."""
    homes = [home for home in paths.STATE.glob("*") if home.name.isdigit()]
    return sorted(int(home.name) for home in homes if is_up(home))


def processes(home: Path) -> dict[str, int]:
    """Ids of the `supervisor` and the `server` that are up."""
    file = home / "processes.json"
    while not file.exists() and is_up(home):
        time.sleep(0.02)  # it is about to start the server
    return json.loads(file.read_text())


def main() -> None:
    """Run the server until it ends or this process is signalled to end."""
    from local import environment  # needs installed packages, which the rest does not

    port, python = int(sys.argv[1]), sys.argv[2]
    home = paths.home(port)
    lock = _lock(home)
    if not lock:
        sys.exit(f"a local cloud is up on port {port} already")
    (home / "processes.json").unlink(missing_ok=True)
    os.ftruncate(sys.stdout.fileno(), 0)
    shutil.rmtree(home / "tmp", ignore_errors=True)
    server = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "local.server", python],
        cwd=paths.FOLDER,
        env=environment.server_environment(port, home),
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    # SIGKILL: the server has nothing to save.
    signal.signal(signal.SIGTERM, lambda *_: server.kill())
    signal.signal(signal.SIGINT, lambda *_: server.kill())
    ids = json.dumps({"supervisor": os.getpid(), "server": server.pid})
    (home / "processes.json.new").write_text(ids)
    (home / "processes.json.new").rename(home / "processes.json")

    server.wait()
    end(server.pid)
    shutil.rmtree(home / "tmp", ignore_errors=True)


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


def _lock(home: Path) -> IO | None:
    """The local cloud's lock, to be kept open; None if another process holds it."""
    home.mkdir(parents=True, exist_ok=True)
    file = (home / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


if __name__ == "__main__":
    main()
