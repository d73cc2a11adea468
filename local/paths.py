"""The address and the folders of the local cloud, below the folder that it is called in."""

from pathlib import Path

FOLDER = Path.cwd()
STATE = FOLDER / ".local"
LOOPBACK = "127.0.0.1"


def url(port: int) -> str:
    """The local cloud's address. By number: clients put bucket names before a host's name."""
    return f"http://{LOOPBACK}:{port}"


def home(port: int) -> Path:
    """The folder of the local cloud on that port: its lock, log, process ids, temporary files."""
    return STATE / str(port)
