"""CIFAR-10, from the archive that its authors publish, or one of the same shape."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from scripts.data import cifar_archive
from scripts.data.images import LabelledImages, Source, choose_classes, concatenate

# The official order of the ten labels.
LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
DEFAULT_CLASSES = ("automobile", "truck")  # what could come to the shop's door

BATCHES = {
    "train": tuple(f"data_batch_{number}" for number in range(1, 6)),
    "test": ("test_batch",),
}
META = "batches.meta"
ARCHIVE = cifar_archive.Archive(
    title="CIFAR-10",
    url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    md5="c58f30108f718f92721af3b95e74349a",
    folder="cifar-10-batches-py",
    members=(*BATCHES["train"], *BATCHES["test"], META),
)


def read(path: Path, wanted: Sequence[str]) -> Source:
    """Read the wanted classes: of the official archive 5,000 rows to train and 1,000 to test each.

    Raises UserError for an archive that is missing, corrupt or of another shape, and for
    classes that it does not hold.
    """
    chosen = choose_classes(wanted, LABELS, "CIFAR-10")
    content = ARCHIVE.read(path)
    with ARCHIVE.checking(path):
        if tuple(content[META]["label_names"]) != LABELS:
            raise ValueError(f"its classes are {content[META]['label_names']}")
        splits = {
            split: concatenate(
                [
                    cifar_archive.rows(content.pop(name), "labels", len(LABELS))
                    for name in BATCHES[split]
                ]
            )
            for split in BATCHES
        }
    cifar_archive.check_filled(chosen, LABELS, splits, path)
    return Source(
        name="cifar10",
        origin=ARCHIVE.origin(path),
        classes=tuple(LABELS[index] for index in chosen),
        **{
            split: cifar_archive.selected(numbered(rows, split), chosen)
            for split, rows in splits.items()
        },
    )


def numbered(rows: LabelledImages, split: str, first: int = 0) -> LabelledImages:
    """Return the rows named by their place in the split, as no source but the archive names them.

    So the dataset is the same wherever the rows come from.
    """
    names = np.array([f"{split}-{row:05}" for row in range(first, first + len(rows))], np.str_)
    return LabelledImages(rows.images, rows.labels, names)
