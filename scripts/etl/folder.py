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
from tqdm import tqdm

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


class BadPhotoError(Exception):
    """A file that cannot be used; the message says why."""


@dataclass(frozen=True)
class Photo:
    """A photo as the model sees it: uint8 S x S x 3. `digest` is of the file's bytes."""

    path: Path
    label: int
    image: np.ndarray
    digest: bytes


def read(folder: Path, wanted: Sequence[str] | None) -> Source:
    """Read the photos of every sub-folder, or of the wanted ones.

    Each goes the way that the workflow's photos go. What cannot be read is named and left out;
    so are copies, and pictures that lie in two classes. Raises UserError where there are fewer
    than two classes, or too few photos of one.
    """
    folders = _class_folders(folder)
    if wanted is not None:
        check_classes(wanted)
        names = list(folders)
        folders = {
            names[index]: folders[names[index]]
            for index in choose_classes(wanted, names, str(folder))
        }
    if len(folders) < 2:
        raise terminal.UserError(
            f"{folder} has {len(folders)} sub-folders. It needs two or more, each named for a "
            "class and holding its photos."
        )
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
            "different ones that can be read. Add photos, or leave the class out with --classes."
        )
    rows = LabelledImages(
        images=np.stack([photo.image for photo in photos]),
        labels=np.array([photo.label for photo in photos], np.int64),
        names=np.array([_key_name(photo.path) for photo in photos], np.str_),
    )
    rows = LabelledImages(rows.images, rows.labels, unique_names(rows.labels, rows.names))
    test = _test_rows(photos, len(folders))
    return Source(
        name="folder",
        origin=f"{len(rows):,} photos in {folder.resolve().name}/",
        classes=tuple(folders),
        train=rows.take(~test),
        test=rows.take(test),
    )


def _class_folders(folder: Path) -> dict[str, Path]:
    """Return {class: sub-folder} by name."""
    if not folder.is_dir():
        raise terminal.UserError(
            f"There is no folder {folder}. Give one with a sub-folder a class."
        )
    folders = {
        path.name: path
        for path in sorted(folder.iterdir())
        if path.is_dir() and not path.name.startswith(".")
    }
    for name in folders:
        if not re.fullmatch(r"[a-z0-9_]{1,40}", name):
            better = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")[:40] or "a_name"
            raise terminal.UserError(
                f"{folders[name]} cannot name a class, which has lower-case letters, digits and "
                f"_ only, 40 at most. Rename it, to {better} say."
            )
    return folders


def _read_photos(folder: Path, class_folders: Sequence[Path]) -> list[Photo]:
    """Read all files below the class folders but hidden ones, and name those that are no photos."""
    files = [
        (path, label)
        for label, class_folder in enumerate(class_folders)
        for path in sorted(class_folder.rglob("*"))
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(class_folder).parts)
    ]

    def attempt(file: tuple[Path, int]) -> Photo | str:
        path, label = file
        try:
            return _read_photo(path, label)
        except BadPhotoError as error:
            return f"{path.relative_to(folder)}: {error}"

    with ThreadPoolExecutor(THREADS) as pool:
        results = list(
            tqdm(pool.map(attempt, files), "Photos", len(files), unit="photo", disable=None)
        )
    _warn_of(
        "No photos that can be used, left out", [each for each in results if type(each) is str]
    )
    return [each for each in results if isinstance(each, Photo)]


def _read_photo(path: Path, label: int) -> Photo:
    limits = config.load()["image"]
    try:
        if path.stat().st_size > limits["max_bytes"]:
            raise BadPhotoError(f"more than {limits['max_bytes']:,} bytes")
        data = path.read_bytes()
        small = to_model_input(data, limits["size"], limits["max_pixels"])
    except OSError as error:
        raise BadPhotoError(error.strerror) from error
    except HandlerError as error:
        raise BadPhotoError(terminal.one_line(str(error), 200)) from error
    image = np.asarray(Image.open(io.BytesIO(small)))
    return Photo(path, label, image, hashlib.sha256(data).digest())


def _distinct(photos: Sequence[Photo], folder: Path) -> list[Photo]:
    """Return one photo of each picture, and none of a picture that lies in two classes.

    A copy among the test photos would tell how well the model remembers.
    """
    alike: defaultdict[bytes, list[Photo]] = defaultdict(list)
    for photo in photos:
        alike[photo.image.tobytes()].append(photo)
    copies, contradictions, kept = [], [], []
    for first, *others in alike.values():
        names = [str(photo.path.relative_to(folder)) for photo in (first, *others)]
        if len({photo.label for photo in (first, *others)}) > 1:
            contradictions.append(" = ".join(names))
            continue
        copies += [f"{name} = {names[0]}" for name in names[1:]]
        kept.append(first)
    _warn_of("Copies, counted once", copies)
    _warn_of("In two classes, left out", contradictions)
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


def _key_name(path: Path) -> str:
    """Return the file's name without its ending, fit for an S3 key."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", path.stem)[:100]


def _warn_of(what: str, names: Sequence[str]) -> None:
    """Name the files, the first of them where they are many."""
    if names:
        more = len(names) - NAMED_AT_MOST
        terminal.warn(
            f"{what}: {len(names)}",
            *(f"  {name}" for name in names[:NAMED_AT_MOST]),
            *([f"  and {more} more"] if more > 0 else []),
        )
