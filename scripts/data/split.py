"""Which training rows are held out for validation, or out of a fold."""

import hashlib
from collections.abc import Iterator

import numpy as np

from scripts.data.images import LabelledImages

SEED = 2024
# One in five leaves 100 images a class of CIFAR-100 to choose by and to calibrate with; fewer
# would make their accuracy a coin toss of more than two points.
VALIDATION_FRACTION = 0.2


def hold_out(rows: LabelledImages) -> tuple[LabelledImages, LabelledImages]:
    """Split training rows into (train, validation), the same share of each class.

    An image's place depends on its pixels, its class and the seed alone: not on the order of
    the rows, their names, or the other classes.
    """
    ranks = _ranks(rows)
    held = np.zeros(len(rows), bool)
    for label in np.unique(rows.labels):
        members = np.flatnonzero(rows.labels == label)
        # Equal pixels have equal ranks; the name decides between them.
        ordered = members[np.lexsort((rows.names[members], ranks[members]))]
        held[ordered[: round(len(members) * VALIDATION_FRACTION)]] = True
    return rows.take(~held), rows.take(held)


def folds(rows: LabelledImages, count: int) -> Iterator[tuple[LabelledImages, LabelledImages]]:
    """Yield (the others, the fold) for each of `count` folds, the same share of each class in all.

    Every row is in one fold, which depends on what a row's place in `hold_out` does. Copies of an
    image are in one fold together.
    """
    ranks = _ranks(rows)
    fold = np.empty(len(rows), int)
    for label in np.unique(rows.labels):
        members = np.flatnonzero(rows.labels == label)
        _, places = np.unique(ranks[members], return_inverse=True)
        fold[members] = places % count
    for number in range(count):
        yield rows.take(fold != number), rows.take(fold == number)


def _ranks(rows: LabelledImages) -> np.ndarray:
    return np.array(
        [hashlib.sha256(b"%d" % SEED + image.tobytes()).hexdigest() for image in rows.images]
    )
