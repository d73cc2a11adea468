"""Photos of one's own: a folder with a sub-folder a class."""

import hashlib
import io
import re
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from handlers.errors import HandlerError
from handlers.photo import to_model_input
from service import config, terminal
from service.labelled_images import (
    LabelledImages,
    Source,
    check_classes,
    choose_classes,
    unique_names,
)

TEST_FRACTION = 0.2
# A fifth of them tests; of fewer, a class would have next to none to test or to calibrate with.
FEWEST_PHOTOS = 20
NAMED_AT_MOST = 10
THREADS = 4

CLASS_NAME = r"[a-z0-9_]{1,40}"
# What systems put beside people's files, besides what begins with a dot.
SYSTEM_FOLDERS = {
    "$RECYCLE.BIN",
    "@eaDir",
    "System Volume Information",
    "__MACOSX",
    "__pycache__",
    "lost+found",
}


@dataclass(frozen=True)
class Photo:
    """A photo as the model sees it: uint8 S x S x 3. `digest` is of the file's bytes."""

    path: Path
    label: int
    image: np.ndarray
    digest: bytes


def read(folder: Path, wanted: Sequence[str] | None) -> Source:
    """Read the photos of every sub-folder, or of the wanted ones alone.

    Each goes the way that the workflow's photos go: its content decides, not its name. What cannot
    be read is named and left out; so are copies, and photos that lie in two classes. Raises
    UserError where there are fewer than two classes, or too few photos of one.
    """
    folders = _class_folders(folder, wanted)
    photos = _distinct(_read_photos(folder, list(folders.values())), folder)
    counts = np.bincount([photo.label for photo in photos], minlength=len(folders))
    few = [
        f"{name} has {count}"
        for name, count in zip(folders, counts, strict=True)
        if count < FEWEST_PHOTOS
    ]
    if few:
        raise terminal.UserError(
            f"Too few photos in {folder}: {', '.join(few)}; a class needs {FEWEST_PHOTOS} "
            "different ones that can be read. Add photos, or name the other classes with --classes."
        )
    labels = np.array([photo.label for photo in photos], np.int64)
    names = np.array([_slug(photo.path.stem, 100) for photo in photos], np.str_)
    rows = LabelledImages(
        np.stack([photo.image for photo in photos]), labels, unique_names(labels, names)
    )
    test = _test_rows(photos, len(folders))
    own_name = folder.resolve().name
    return Source(
        name=f"folder-{_slug(own_name.lower(), 20)}",
        origin=f"{len(rows):,} photos in {own_name}/",
        classes=tuple(folders),
        train=rows.take(~test),
        test=rows.take(test),
    )


def _class_folders(folder: Path, wanted: Sequence[str] | None) -> dict[str, Path]:
    """Return {class: sub-folder} by name: all that may be classes, or the wanted ones."""
    found = {
        path.name: path
        for path in sorted(folder.iterdir())
        if path.is_dir() and not _is_hidden(path.name)
    }
    chosen = list(found)
    if wanted is not None:
        check_classes(wanted)
        chosen = [chosen[index] for index in choose_classes(wanted, chosen, str(folder))]
        if others := [name for name in found if name not in chosen]:
            named = terminal.FirstFew(others, NAMED_AT_MOST)
            terminal.print_line("Left out", f"{named}: not asked for")
    for name in chosen:
        if not re.fullmatch(CLASS_NAME, name):
            better = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")[:40] or "a_name"
            raise terminal.UserError(
                f"{found[name]} cannot name a class, which has lower-case letters, digits and "
                f"_ only, 40 at most. Rename it, to {better} say, or name the other classes with "
                "--classes."
            )
    if len(chosen) < 2:
        raise terminal.UserError(
            f"{folder} has {len(chosen)} sub-folders. It needs two or more, each named for a "
            "class and holding its photos."
        )
    return {name: found[name] for name in chosen}


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name in SYSTEM_FOLDERS


def _read_photos(folder: Path, class_folders: Sequence[Path]) -> list[Photo]:
    """Read all files below the class folders but hidden ones, and name those that are no photos."""
    files = [
        (path, label)
        for label, class_folder in enumerate(class_folders)
        for path in sorted(class_folder.rglob("*"))
        if path.is_file() and not any(map(_is_hidden, path.relative_to(class_folder).parts))
    ]

    def attempt(file: tuple[Path, int]) -> Photo | str:
        path, label = file
        try:
            return _read_photo(path, label)
        except (OSError, HandlerError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            return f"{path.relative_to(folder)}: {reason}"

    with ThreadPoolExecutor(THREADS) as pool:
        done = pool.map(attempt, files)
        results = list(terminal.track(done, "Photos", len(files), "photos"))
    _warn("No photos that can be used, left out", [each for each in results if type(each) is str])
    return [each for each in results if isinstance(each, Photo)]


def _read_photo(path: Path, label: int) -> Photo:
    limits = config.load()["image"]
    if path.stat().st_size > limits["max_bytes"]:
        raise HandlerError(f"more than {limits['max_bytes']:,} bytes")
    data = path.read_bytes()
    small = to_model_input(data, limits["size"], limits["max_pixels"])
    image = np.asarray(Image.open(io.BytesIO(small)))
    return Photo(path, label, image, hashlib.sha256(data).digest())


def _distinct(photos: Sequence[Photo], folder: Path) -> list[Photo]:
    """Return one of each photo, and none of a photo that lies in two classes.

    A copy among the test photos would tell how well the model remembers.
    """
    alike: defaultdict[bytes, list[Photo]] = defaultdict(list)
    for photo in photos:
        alike[photo.image.tobytes()].append(photo)
    copies, contradictions, kept = [], [], []
    for group in alike.values():
        names = [str(photo.path.relative_to(folder)) for photo in group]
        if len({photo.label for photo in group}) > 1:
            contradictions.append(" = ".join(names))
            continue
        copies += [f"{name} = {names[0]}" for name in names[1:]]
        kept.append(group[0])
    _warn("Copies, counted once", copies)
    _warn("In two classes, left out", contradictions)
    return kept


def _test_rows(photos: Sequence[Photo], class_count: int) -> np.ndarray:
    """Return a mask of the test photos.

    The file's content alone decides, not its name or the other photos: as photos are added, none
    that tested a model is ever trained on. A class that has no photo for it gives the lowest.
    """
    ranks = np.array([int.from_bytes(photo.digest[:8]) / 2**64 for photo in photos])
    labels = np.array([photo.label for photo in photos])
    test = ranks < TEST_FRACTION
    for label in range(class_count):
        members = np.flatnonzero(labels == label)
        test[members[ranks[members].argmin()]] = True
    return test


def _slug(name: str, length: int) -> str:
    """Return the name fit for an S3 key."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:length] or "photos"


def _warn(what: str, names: Sequence[str]) -> None:
    """Count the files, and name the first of them."""
    if names:
        shown = [f"  {name}" for name in names[:NAMED_AT_MOST]]
        more = len(names) - NAMED_AT_MOST
        terminal.warn(f"{what}: {len(names)}", *shown, *([f"  and {more} more"] * (more > 0)))
