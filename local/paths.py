"""The address and the folders of the local cloud, below the folder that it is called in."""

import re
from pathlib import Path

FOLDER = Path.cwd()
STATE = FOLDER / ".local"
LOOPBACK = "127.0.0.1"

# Of the text as it stands: parsers of addresses disagree about where a host begins and what it is.
_LOOPBACK = re.compile(
    r"https?://(localhost|127(\.\d{1,3}){3}|\[::1\])(:(?P<port>\d{1,5}))?/?",
    re.ASCII | re.IGNORECASE,
)


def url(port: int) -> str:
    """The local cloud's address. By number: clients put bucket names before a host's name."""
    return f"http://{LOOPBACK}:{port}"


def loopback_port(address: str) -> int | None:
    """The port of a loopback address, as AWS_ENDPOINT_URL holds it; None for another address."""
    found = _LOOPBACK.fullmatch(address)
    return int(found["port"] or 80) if found else None


def home(port: int) -> Path:
    """The folder of the local cloud on that port: its lock, log, process ids, temporary files."""
    return STATE / str(port)
