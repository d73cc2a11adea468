"""A line that tells what is being waited for."""

import sys
import time

from scripts.cli import LABEL_WIDTH, say


class Waiting:
    """Shows a changing status: on a terminal one line that counts seconds, else a line a status."""

    def __init__(self, label: str):
        self._label = label
        self._began = time.monotonic()
        self._status: str | None = None
        self._live = sys.stdout.isatty()

    def show(self, status: str) -> None:
        """Show the status. To be called at every poll."""
        if self._live:
            self.clear()
            print(f"{self._label:<{LABEL_WIDTH}}{status} {self.seconds:.0f} s", end="", flush=True)
        elif status != self._status:
            say(self._label, f"{status} ({self.seconds:.0f} s)")
        self._status = status

    def clear(self) -> None:
        """Make room for other output."""
        if self._live:
            print("\r\033[K", end="", flush=True)

    @property
    def seconds(self) -> float:
        """How long it has been waited for."""
        return time.monotonic() - self._began
