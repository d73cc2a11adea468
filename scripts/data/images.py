"""Labelled images as every source gives them."""

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


def choose_classes(wanted: Sequence[str], available: Sequence[str], source: str) -> list[int]:
    """Return the wanted classes' indexes into `available`, ascending.

    Ascending, so that the same classes are the same dataset in whatever order they are named.
    Raises UserError for an unknown class, a class named twice, or fewer than two.
    """
    for name in wanted:
        if name not in available:
            near = get_close_matches(name, available, n=3, cutoff=0.6)
            hint = (
                f"Did you mean {' or '.join(near)}?"
                if near and len(available) > LISTED_AT_MOST
                else f"There are: {', '.join(available)}."
            )
            raise UserError(f"{source} has no class {name!r}. {hint}")
    if len(set(wanted)) < 2 or len(set(wanted)) < len(wanted):
        raise UserError(f"--classes needs two or more different classes, not {','.join(wanted)!r}.")
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
