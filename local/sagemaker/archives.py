"""model.tar.gz and output.tar.gz: how results leave a container and models get into one.

An archive that is deployed may come from anywhere, so nothing in it can write outside its folder:
links, absolute paths and paths with `..` are refused.
"""

import tarfile
import zlib
from pathlib import Path, PurePosixPath


class ArchiveError(Exception):
    """The archive cannot be unpacked; the message says why."""


def pack(folder: Path, archive: Path) -> None:
    """Write what is in the folder, without the folder itself, to a .tar.gz."""
    with tarfile.open(archive, "w:gz") as tar:
        for entry in sorted(folder.iterdir()):
            tar.add(entry, entry.name)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a .tar.gz into the folder; raises ArchiveError."""
    try:
        with tarfile.open(archive, "r:gz") as tar:
            members = tar.getmembers()
            for member in members:
                _check(member)
            tar.extractall(folder, members, filter="data")
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise ArchiveError(str(error)) from error


def _check(member: tarfile.TarInfo) -> None:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        raise ArchiveError(f"{member.name} leads out of the model's folder")
    if not (member.isfile() or member.isdir()):
        raise ArchiveError(f"{member.name} is neither a file nor a folder")
