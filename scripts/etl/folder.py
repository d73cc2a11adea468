"""A user's photos: a folder with a sub-folder for each class."""

import hashlib
import io
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from handlers.errors import HandlerError
from handlers.photo import to_model_input
from service import config, datasets, storage, terminal
from service.labelled_images import (
    OTHER,
    LabelledImages,
    Source,
    Strangers,
    check_classes,
    choose_classes,
    combine_strangers,
    unique_names,
)
from service.photos import read as read_bytes

TEST_FRACTION = 0.2
FEWEST_PHOTOS = 20  # of a class: a fifth are test photos, and fewer would not judge a model
NAMED_AT_MOST = 10
THREADS = 4

CLASS_NAME = r"[a-z0-9_]{1,40}"
# Folders that systems put beside people's files; others begin with a dot.
SYSTEM_FOLDERS = {
    *("$RECYCLE.BIN", "System Volume Information", "@eaDir"),
    *("__MACOSX", "__pycache__", "lost+found"),
}


@dataclass(frozen=True)
class Photo:
    """A photo. image: uint8 S x S x 3, as the model sees it; digest: of the file's bytes."""

    path: Path
    label: int
    image: np.ndarray
    digest: bytes


def read(folder: Path, wanted: Sequence[str] | None) -> Source:
    """Read the photos of every sub-folder, or of the wanted ones alone.

    Those of the sub-folder `other` are strangers. A file's content decides, not its name. Left out
    with a warning are files that cannot be read, copies, and photos that lie in two classes. Raises
    UserError for fewer than two classes, and for a class with too few photos.
    """
    classes = _choose_folders(folder, wanted)
    kinds = [*classes, OTHER] if (folder / OTHER).is_dir() else classes
    photos = _drop_copies(_read_photos(folder, kinds), folder)
    labels = np.array([photo.label for photo in photos], np.int64)
    _check_counts(folder, dict(zip(kinds, np.bincount(labels, minlength=len(kinds)), strict=True)))
    images = np.stack([photo.image for photo in photos])
    names = np.array([_slug(photo.path.stem, 100) for photo in photos], np.str_)
    rows = LabelledImages(images, labels, unique_names(labels, names))
    test = _choose_test_rows(photos, labels)
    known = labels < len(classes)
    name = folder.resolve().name
    return Source(
        name=f"folder-{_slug(name.lower(), 20)}",
        origin=f"{known.sum():,} photos in {name}/",
        classes=tuple(classes),
        train=rows.take(known & ~test),
        test=rows.take(known & test),
        strangers=None
        if known.all()
        else Strangers(f"{name}/{OTHER}/", rows.take(~known & ~test), rows.take(~known & test)),
    )


def add_strangers(source: Source, others: Strangers) -> Source:
    """Return the source with more strangers. UserError where these are of another size."""
    advice = f"put photos of other things into the sub-folder {OTHER}/"
    size, side = (rows.images.shape[1] for rows in (source.train, others.train))
    datasets.check_image_size("--strangers takes CIFAR's", side, size, advice)
    parts = [source.strangers, others] if source.strangers else [others]
    return replace(source, strangers=combine_strangers(parts))


def _choose_folders(folder: Path, wanted: Sequence[str] | None) -> list[str]:
    """Return the names of the wanted sub-folders, or of all that are not hidden."""
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    names = chosen = [name for name in names if not _is_hidden(Path(name)) and name != OTHER]
    if wanted is not None:
        check_classes(wanted)
        chosen = [names[index] for index in choose_classes(wanted, names, str(folder))]
        if others := [name for name in names if name not in chosen]:
            text = terminal.FirstFew(others, NAMED_AT_MOST)
            terminal.print_line("Left out", f"{text}: not asked for")
    for name in chosen:
        if not re.fullmatch(CLASS_NAME, name):
            better = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")[:40] or "a_name"
            meaning = ", if its photos are of none of the classes," if better == OTHER else ""
            raise terminal.UserError(
                f"{folder / name} cannot name a class, which has lower-case letters, digits and "
                f"_ only, 40 at most. Rename it, to {better}{meaning} say, or name the other "
                "classes with --classes."
            )
    if len(chosen) < 2:
        raise terminal.UserError(
            f"{folder} has {len(chosen)} sub-folders. It needs two or more, each named for a "
            "class and holding its photos."
        )
    return chosen


def _check_counts(folder: Path, counts: dict[str, int]) -> None:
    """Raise UserError for classes, and for the strangers in `other`, that have too few photos."""
    few = {name: count for name, count in counts.items() if count < FEWEST_PHOTOS}
    if not few:
        return
    advice = "Add photos, or name the other classes with --classes."
    if OTHER in few:
        advice = (
            f"Add photos, to {OTHER}/ of what is none of the classes, or move {OTHER}/ out of the "
            "folder and name classes of CIFAR-10 with --strangers."
        )
    raise terminal.UserError(
        f"Too few photos in {folder}: "
        f"{', '.join(f'{name} has {count}' for name, count in few.items())}; a class needs "
        f"{FEWEST_PHOTOS} different ones that can be read. {advice}"
    )


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") or part in SYSTEM_FOLDERS for part in path.parts)


def _read_photos(folder: Path, classes: Sequence[str]) -> list[Photo]:
    """Read all files below the class folders but hidden ones; warn of files that are no photos."""
    files = [
        (path, label)
        for label, name in enumerate(classes)
        for path in sorted((folder / name).rglob("*"))
        if path.is_file() and not _is_hidden(path.relative_to(folder))
    ]

    def attempt(file: tuple[Path, int]) -> Photo | str:
        path, label = file
        try:
            return _read_photo(path, label)
        except HandlerError as error:
            return f"{path.relative_to(folder)}: {error}"

    results = storage.map_ahead(attempt, files, THREADS)
    results = list(terminal.track(results, "Photos", len(files), "photos"))
    _warn("No photos that can be used, left out", [each for each in results if type(each) is str])
    return [each for each in results if isinstance(each, Photo)]


def _read_photo(path: Path, label: int) -> Photo:
    limits = config.load()["image"]
    data = read_bytes(None, path, limits["max_bytes"])
    small = to_model_input(data, limits["size"], limits["max_pixels"])
    image = np.asarray(Image.open(io.BytesIO(small)))
    return Photo(path, label, image, hashlib.sha256(data).digest())


def _drop_copies(photos: Sequence[Photo], folder: Path) -> list[Photo]:
    """Return one of each photo, and none of a photo that lies in two classes.

    A copy among the test photos would measure how well the model remembers.
    """
    groups: defaultdict[bytes, list[Photo]] = defaultdict(list)
    for photo in photos:
        groups[photo.image.tobytes()].append(photo)
    copies, contradictions, kept = [], [], []
    for group in groups.values():
        names = [str(photo.path.relative_to(folder)) for photo in group]
        if len({photo.label for photo in group}) > 1:
            contradictions.append(" = ".join(names))
            continue
        copies += [f"{name} = {names[0]}" for name in names[1:]]
        kept.append(group[0])
    _warn("Copies, counted once", copies)
    _warn("In two classes, left out", contradictions)
    return kept


def _choose_test_rows(photos: Sequence[Photo], labels: np.ndarray) -> np.ndarray:
    """Return a mask of the test photos, at least one of each class.

    The file's content alone decides, not its name or the other photos: as photos are added, no
    test photo ever becomes a training photo.
    """
    ranks = np.array([int.from_bytes(photo.digest[:8]) / 2**64 for photo in photos])
    test = ranks < TEST_FRACTION
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        test[members[ranks[members].argmin()]] = True
    return test


def _slug(name: str, length: int) -> str:
    """Return the name fit for an S3 key."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:length] or "photos"


def _warn(problem: str, names: Sequence[str]) -> None:
    """Print the number of files, and the names of the first ones."""
    if names:
        rest = len(names) - NAMED_AT_MOST
        lines = [*names[:NAMED_AT_MOST], *([f"and {rest} more"] if rest > 0 else [])]
        terminal.warn(f"{problem}: {len(names)}", *(f"  {line}" for line in lines))
