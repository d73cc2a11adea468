"""Labelled images as every source gives them."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from scripts.cli import UserError

LISTED_AT_MOST = 12


@dataclass(frozen=True)
class LabelledImages:
    """Rows of one split.

    images: uint8 N x 32 x 32 x 3 (RGB); labels: int64 N, an index into the classes;
    names: str N, unique within a class, fit for an S3 key.
    """

    images: np.ndarray
    labels: np.ndarray
    names: np.ndarray

    def __len__(self):
        return len(self.labels)

    def take(self, rows: np.ndarray) -> "LabelledImages":
        """Return the given rows (indexes or a mask)."""
        return LabelledImages(self.images[rows], self.labels[rows], self.names[rows])


@dataclass(frozen=True)
class Source:
    """A source's chosen classes: `train` and `test` are the source's own, untouched splits."""

    name: str
    origin: str
    classes: tuple[str, ...]
    train: LabelledImages
    test: LabelledImages


def check_classes(wanted: Sequence[str]) -> None:
    """Raise UserError where a class is named twice, or fewer than two are."""
    if len(set(wanted)) < 2 or len(set(wanted)) < len(wanted):
        raise UserError(f"--classes needs two or more different classes, not {','.join(wanted)!r}.")


def choose_classes(
    wanted: Sequence[str], available: Sequence[str], source: str, elsewhere: Sequence[str] = ()
) -> list[int]:
    """Return the wanted classes' indexes into `available`, ascending.

    Ascending, so that the same classes are the same dataset in whatever order they are named.
    Raises UserError for an unknown class; `elsewhere` are names that may have been meant as well.
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
    return sorted(available.index(name) for name in wanted)


def select(
    images: np.ndarray, labels: np.ndarray, names: np.ndarray, chosen: Sequence[int]
) -> LabelledImages:
    """Keep the rows of the chosen labels, numbered 0.. in the order of `chosen`."""
    rows = np.flatnonzero(np.isin(labels, chosen))
    return LabelledImages(
        images=np.ascontiguousarray(images[rows]),
        labels=np.searchsorted(np.asarray(chosen), labels[rows]).astype(np.int64),
        names=names[rows],
    )


def concatenate(parts: Sequence[LabelledImages]) -> LabelledImages:
    """Return all rows of the parts, one part after the other."""
    return LabelledImages(
        images=np.concatenate([part.images for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        names=np.concatenate([part.names for part in parts]),
    )


def combine(first: Source, second: Source) -> Source:
    """Return a source of the classes of both, the first's before the second's."""

    def shifted(rows: LabelledImages) -> LabelledImages:
        return LabelledImages(rows.images, rows.labels + len(first.classes), rows.names)

    return Source(
        name=f"{first.name}+{second.name}",
        origin=f"{first.origin}; {second.origin}",
        classes=(*first.classes, *second.classes),
        train=concatenate([first.train, shifted(second.train)]),
        test=concatenate([first.test, shifted(second.test)]),
    )


def unique_names(labels: np.ndarray, names: np.ndarray) -> np.ndarray:
    """Return the names with a number behind those that a class has already."""
    taken: set[tuple[int, str]] = set()
    result = []
    for label, name in zip(labels.tolist(), names.tolist(), strict=True):
        candidates = (name if count == 1 else f"{name}-{count}" for count in itertools.count(1))
        free = next(each for each in candidates if (label, each) not in taken)
        taken.add((label, free))
        result.append(free)
    return np.array(result, dtype=np.str_)
