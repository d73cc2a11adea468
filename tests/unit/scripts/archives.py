"""Archives of CIFAR's shape, a few rows big, that tests spoil in one way or another."""

import pickle
from pathlib import Path

import numpy as np

from scripts.etl.archive import CIFAR10, CIFAR10_CLASSES, CIFAR100
from tests.archives import tar

CLASSES = ["apple", "bicycle", "bus", "motorcycle"]


def rows(per_class: int, labels=(0, 1, 2, 3), seed: int = 0) -> dict:
    """Rows as the official archive pickles them: uint8 N x 3072, a plane a colour."""
    fine_labels = [label for label in labels for _ in range(per_class)]
    data = np.random.default_rng(seed).integers(0, 256, (len(fine_labels), 3072), np.uint8)
    names = [f"{CLASSES[label]}_s_{row:06}.png" for row, label in enumerate(fine_labels)]
    return {"data": data, "fine_labels": fine_labels, "filenames": names}


def content(per_class: int = 10) -> dict:
    return {
        "train": rows(per_class, seed=1),
        "test": rows(2, seed=2),
        "meta": {"fine_label_names": CLASSES},
    }


def ten_rows(count: int, seed: int) -> dict:
    """A batch as CIFAR-10's archive pickles it; labels take turns."""
    labels = [row % 10 for row in range(count)]
    data = np.random.default_rng(seed).integers(0, 256, (count, 3072), np.uint8)
    return {"data": data, "labels": labels, "filenames": [f"s_{row}.png" for row in range(count)]}


def ten_content(per_batch: int = 20) -> dict:
    batches = [*CIFAR10.train, *CIFAR10.test]
    content = {name: ten_rows(per_batch, seed) for seed, name in enumerate(batches)}
    return {**content, CIFAR10.meta: {"label_names": list(CIFAR10_CLASSES)}}


def write_ten(path: Path, members: dict | None = None) -> Path:
    return write(path, members or ten_content(), f"{CIFAR10.folder}/")


def write(path: Path, members: dict, folder: str = f"{CIFAR100.folder}/") -> Path:
    """Write a tar.gz. A member that is bytes goes in as it is, any other is pickled."""
    files = {
        f"{folder}{name}": each if isinstance(each, bytes) else pickle.dumps(each, protocol=2)
        for name, each in members.items()
    }
    path.write_bytes(tar(files))
    return path
