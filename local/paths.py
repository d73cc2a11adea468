"""Where the local cloud keeps what it makes."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
STATE = REPOSITORY / ".local"


def home(port: int) -> Path:
    """The folder of the local cloud on that port: its lock, log, process ids, temporary files."""
    return STATE / str(port)
