"""Where the local cloud is, and where it keeps what it makes."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
STATE = REPOSITORY / ".local"
LOOPBACK = "127.0.0.1"


def url(port: int) -> str:
    """The local cloud's address. By number: clients put bucket names before a host's name."""
    return f"http://{LOOPBACK}:{port}"


def home(port: int) -> Path:
    """The folder of the local cloud on that port: its lock, log, process ids, temporary files."""
    return STATE / str(port)
