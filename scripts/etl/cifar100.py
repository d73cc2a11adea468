"""CIFAR-100, from the archive that its authors publish, or one of the same shape."""

from collections.abc import Sequence
from pathlib import Path

from scripts.etl import archive, cifar10
from service.labelled_images import Source, choose_classes

ARCHIVE = archive.Archive(
    title="CIFAR-100",
    url="https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
    md5="eb9058c3a382ffc7106e4002c42a8d85",
    folder="cifar-100-python",
    members=("train", "test", "meta"),
)
SPLITS = ("train", "test")
DEFAULT_CLASSES = ("bicycle", "motorcycle")


def read(path: Path, wanted: Sequence[str]) -> Source:
    """Read the wanted classes: of the official archive 500 rows to train and 100 to test each.

    Raises UserError for an archive that is missing, corrupt or of another shape, and for
    classes that it does not hold.
    """
    content = ARCHIVE.read(path)
    with ARCHIVE.checking(path):
        classes = _class_names(content["meta"])
        splits = {
            split: archive.rows(content.pop(split), "fine_labels", len(classes)) for split in SPLITS
        }
    chosen = choose_classes(wanted, classes, "CIFAR-100", elsewhere=cifar10.LABELS)
    archive.check_filled(chosen, classes, splits, path)
    return Source(
        name="cifar100",
        origin=ARCHIVE.origin(path),
        classes=tuple(classes[index] for index in chosen),
        **{split: archive.selected(splits[split], chosen) for split in SPLITS},
    )


def _class_names(meta: dict) -> list[str]:
    names = archive.class_names(meta["fine_label_names"])
    # No fine label is one of CIFAR-10's (pickup_truck is no truck there), so that a name alone
    # says which of the two is meant.
    if shared := set(names) & set(cifar10.LABELS):
        raise ValueError(f"CIFAR-10's {', '.join(sorted(shared))} among its classes")
    return names
