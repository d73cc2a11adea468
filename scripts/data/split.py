"""Which training rows are held out for validation."""

import hashlib

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
    ranks = np.array([_rank(image) for image in rows.images])
    held = np.zeros(len(rows), bool)
    for label in np.unique(rows.labels):
        members = np.flatnonzero(rows.labels == label)
        # Equal pixels have equal ranks; the name decides between them.
        ordered = members[np.lexsort((rows.names[members], ranks[members]))]
        held[ordered[: round(len(members) * VALIDATION_FRACTION)]] = True
    return rows.take(~held), rows.take(held)


def _rank(image: np.ndarray) -> str:
    return hashlib.sha256(b"%d" % SEED + image.tobytes()).hexdigest()
