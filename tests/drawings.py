"""Drawn vehicles in the shape of the CIFAR-100 archive, for tests that run without it."""

import io
import pickle
import tarfile
from pathlib import Path

import numpy as np

from scripts.generate.drawings import SIDE, draw

CIFAR_SIDE = 32
# Official CIFAR-100 fine labels of the two drawn classes.
LABELS = {"bicycle": 8, "motorcycle": 48}


def cifar_rows(per_class: int, seed: int) -> dict:
    """Rows as the archive pickles them: data uint8 N x 3072 (planes R, G, B), labels, names."""
    rng = np.random.default_rng(seed)
    rows, labels, names = [], [], []
    for number in range(per_class):
        for vehicle, label in LABELS.items():
            pixels = np.asarray(draw(vehicle, rng).reduce(SIDE // CIFAR_SIDE))
            rows.append(pixels.transpose(2, 0, 1).reshape(-1))
            labels.append(label)
            names.append(f"{vehicle}_s_{number:06d}.png".encode())
    return {b"data": np.stack(rows), b"fine_labels": labels, b"filenames": names}


def write_cifar_archive(path: Path, train: int = 120, test: int = 40) -> Path:
    """Write a CIFAR-100-shaped tar.gz with `train` and `test` drawn rows a class."""
    names = [f"class_{n}".encode() for n in range(100)]
    for vehicle, label in LABELS.items():
        names[label] = vehicle.encode()
    members = {
        "train": cifar_rows(train, seed=1),
        "test": cifar_rows(test, seed=2),
        "meta": {b"fine_label_names": names},
    }
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in members.items():
            data = pickle.dumps(content, protocol=2)
            member = tarfile.TarInfo(f"cifar-100-python/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path
