"""The memory of the functions' processes while something runs, where they run on this machine."""

import os
import threading
from pathlib import Path

SECONDS_BETWEEN_LOOKS = 0.5
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6


class PeakMemory:
    """A context in which the largest resident memory of any Lambda environment is noted."""

    def __init__(self):
        self.megabytes = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(SECONDS_BETWEEN_LOOKS):
            self.megabytes = max([self.megabytes, *map(_resident, _environments())])


def _environments() -> list[Path]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if b"awslambdaric" in (entry / "cmdline").read_bytes():
                found.append(entry)
        except OSError:  # it has ended meanwhile
            continue
    return found


def _resident(process: Path) -> float:
    try:
        return int((process / "statm").read_text().split()[1]) * PAGE_MB
    except OSError:
        return 0.0
