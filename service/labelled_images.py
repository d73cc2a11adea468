"""Labelled images: the rows of a source, chosen by class, split, and encoded."""

import hashlib
import io
import itertools
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
from PIL import Image

from service.terminal import UserError

OTHER = "other"  # what strangers are called: a folder of photos, a label of ground truth
LISTED_AT_MOST = 12  # classes in an error

SEED = 2024
# 100 images a class of CIFAR-100; with fewer, chance moves their accuracy by more than two points.
VALIDATION_FRACTION = 0.2

EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date of zip files; numpy.savez writes today's


@dataclass(frozen=True)
class LabelledImages:
    """Rows of one split.

    images: uint8 N x S x S x 3 (RGB); labels: int64 N, indexes into the classes; names: str N,
    unique within a class, fit for an S3 key.
    """

    images: np.ndarray
    labels: np.ndarray
    names: np.ndarray

    def __len__(self):
        return len(self.labels)

    def take(self, rows: np.ndarray) -> "LabelledImages":
        """Return some rows, by indexes or by a mask."""
        return LabelledImages(self.images[rows], self.labels[rows], self.names[rows])


@dataclass(frozen=True)
class Strangers:
    """Photos of none of the classes, from which a model learns what it does not know.

    origin: in words; the rows' labels are indexes of kinds of photos, with which thinning is even.
    """

    origin: str
    train: LabelledImages
    test: LabelledImages


@dataclass(frozen=True)
class Source:
    """The chosen classes of a source, with the source's own splits, and strangers if it has any."""

    name: str
    origin: str
    classes: tuple[str, ...]
    train: LabelledImages
    test: LabelledImages
    strangers: Strangers | None = None


def check_classes(wanted: Sequence[str]) -> None:
    """Raise UserError unless there are two or more classes, all different."""
    if len(set(wanted)) < 2 or len(set(wanted)) < len(wanted):
        raise UserError(f"--classes needs two or more different classes, not {','.join(wanted)!r}.")


def choose_classes(
    wanted: Sequence[str], available: Sequence[str], source: str, elsewhere: Sequence[str] = ()
) -> list[int]:
    """Return the wanted classes' indexes into `available`.

    They ascend, each once, so that the order of the wanted classes does not change the dataset.
    Raises UserError for an unknown class, with a hint that may name one of `elsewhere` too.
    """
    for name in wanted:
        if name not in available:
            near = get_close_matches(name, [*available, *elsewhere], n=3, cutoff=0.6)
            hint = (
                f"Did you mean {' or '.join(near)}?"
                if near and len(available) > LISTED_AT_MOST
                else f"There are: {', '.join(available)}."
            )
            raise UserError(f"{source} has no class {name!r}. {hint}")
    return sorted({available.index(name) for name in wanted})


def select(rows: LabelledImages, chosen: Sequence[int]) -> LabelledImages:
    """Return the rows of the chosen labels, which become 0, 1, ..., with unique names."""
    found = rows.take(np.flatnonzero(np.isin(rows.labels, chosen)))
    labels = np.searchsorted(np.asarray(chosen), found.labels).astype(np.int64)
    names = unique_names(labels, found.names)
    return LabelledImages(np.ascontiguousarray(found.images), labels, names)


def concatenate(parts: Sequence[LabelledImages]) -> LabelledImages:
    """Return the rows of all parts."""
    return LabelledImages(
        images=np.concatenate([part.images for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        names=np.concatenate([part.names for part in parts]),
    )


def combine(first: Source, second: Source) -> Source:
    """Return a source with the classes of both, the first's before the second's."""

    def shift(rows: LabelledImages) -> LabelledImages:
        return LabelledImages(rows.images, rows.labels + len(first.classes), rows.names)

    strangers = [each.strangers for each in (first, second) if each.strangers]
    return Source(
        name=f"{first.name}+{second.name}",
        origin=f"{first.origin}; {second.origin}",
        classes=(*first.classes, *second.classes),
        train=concatenate([first.train, shift(second.train)]),
        test=concatenate([first.test, shift(second.test)]),
        strangers=combine_strangers(strangers) if strangers else None,
    )


def combine_strangers(parts: Sequence[Strangers]) -> Strangers:
    """Return all strangers, at least of one part, with new kinds for each part."""
    first = 0
    shifted: dict[str, list[LabelledImages]] = {"train": [], "test": []}
    for part in parts:
        for name, rows in shifted.items():
            each = getattr(part, name)
            rows.append(LabelledImages(each.images, each.labels + first, each.names))
        first += 1 + int(max(rows[-1].labels.max(initial=0) for rows in shifted.values()))
    origin = "; ".join(part.origin for part in parts)
    return Strangers(origin, *map(concatenate, shifted.values()))


def unique_names(labels: np.ndarray, names: np.ndarray) -> np.ndarray:
    """Return the names, with a number added to a name that its class has already."""
    taken: set[tuple[int, str]] = set()
    result = []
    for label, name in zip(labels.tolist(), names.tolist(), strict=True):
        candidates = (name if count == 1 else f"{name}-{count}" for count in itertools.count(1))
        free = next(each for each in candidates if (label, each) not in taken)
        taken.add((label, free))
        result.append(free)
    return np.array(result, dtype=np.str_)


def hold_out(rows: LabelledImages) -> tuple[LabelledImages, LabelledImages]:
    """Split training rows into (train, validation), the same share of each class.

    The split of an image depends on its pixels, its class and the seed alone: not on the order of
    the rows, their names, or the other classes.
    """
    sizes = np.bincount(rows.labels)
    held = _places(rows, _ranks(rows)) < np.rint(sizes * VALIDATION_FRACTION)[rows.labels]
    return rows.take(~held), rows.take(held)


def thin_out(rows: LabelledImages, count: int) -> LabelledImages:
    """Return at most so many rows, of each class alike, by pixels and seed alone."""
    if len(rows) <= count:
        return rows
    ranks = _ranks(rows)
    return rows.take(np.sort(np.lexsort((ranks, _places(rows, ranks)))[:count]))


def folds(rows: LabelledImages, count: int) -> Iterator[tuple[LabelledImages, LabelledImages]]:
    """Yield (other rows, fold's rows), folds as in `hold_out`; copies are in the same fold."""
    ranks = _ranks(rows)
    fold = np.empty(len(rows), int)
    for label in np.unique(rows.labels):
        members = np.flatnonzero(rows.labels == label)
        _, places = np.unique(ranks[members], return_inverse=True)
        fold[members] = places % count
    for number in range(count):
        yield rows.take(fold != number), rows.take(fold == number)


def _places(rows: LabelledImages, ranks: np.ndarray) -> np.ndarray:
    """Return each row's place in its class: by rank, and by name where the pixels are equal."""
    order = np.lexsort((rows.names, ranks, rows.labels))
    places = np.empty(len(rows), int)
    places[order] = np.arange(len(rows))
    return places - np.searchsorted(rows.labels[order], rows.labels)


def _ranks(rows: LabelledImages) -> np.ndarray:
    return np.array(
        [hashlib.sha256(b"%d" % SEED + image.tobytes()).hexdigest() for image in rows.images]
    )


def encode_png(image: np.ndarray) -> bytes:
    """Encode one image, uint8 H x W x 3."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def grey_picture(size: int) -> bytes:
    """Return a PNG for where there is no photo: its side has `size` pixels."""
    return encode_png(np.full((size, size, 3), 128, np.uint8))


def encode_npz(rows: LabelledImages, classes: Sequence[str], strangers: np.ndarray) -> bytes:
    """Encode rows as data.npz: `images`, `labels`, `names`, `classes` and `strangers`.

    The strangers, uint8 M x S x S x 3, are absent where M is 0. There are no pickles.
    """
    arrays = {**vars(rows), "classes": np.array(classes)}
    return as_arrays(arrays | {"strangers": strangers} if len(strangers) else arrays)


def as_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Encode arrays by name for numpy.load, without pickles."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy", EPOCH), "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return file.getvalue()
