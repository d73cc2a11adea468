"""Drawn vehicles in the shape of the CIFAR-100 archive, for tests that run without it."""

import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SIZE = 32
# Official CIFAR-100 fine labels of the two drawn classes.
LABELS = {"bicycle": 8, "motorcycle": 48}


def draw(vehicle: str, rng: np.random.Generator) -> Image.Image:
    """A 32 x 32 RGB picture: thin wheels and a frame, or thick wheels and a heavy body."""
    background = tuple(int(v) for v in rng.integers(120, 250, 3))
    ink = tuple(int(v) for v in rng.integers(0, 90, 3))
    picture = Image.new("RGB", (SIZE, SIZE), background)
    pen = ImageDraw.Draw(picture)
    dx, dy = (int(v) for v in rng.integers(-2, 3, 2))
    ground = 24 + dy
    for hub in (8 + dx, 23 + dx):
        box = (hub - 6, ground - 6, hub + 6, ground + 6)
        pen.ellipse(box, outline=ink, width=1 if vehicle == "bicycle" else 4)
    if vehicle == "bicycle":
        pen.line((8 + dx, ground, 14 + dx, ground - 12, 23 + dx, ground), fill=ink)
    else:
        pen.polygon(
            [
                (6 + dx, ground - 8),
                (16 + dx, ground - 16),
                (27 + dx, ground - 9),
                (16 + dx, ground),
            ],
            fill=ink,
        )
    noise = rng.integers(-12, 13, (SIZE, SIZE, 3))
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))


def cifar_rows(per_class: int, seed: int) -> dict:
    """Rows as the archive pickles them: data uint8 N x 3072 (planes R, G, B), labels, names."""
    rng = np.random.default_rng(seed)
    rows, labels, names = [], [], []
    for number in range(per_class):
        for vehicle, label in LABELS.items():
            pixels = np.asarray(draw(vehicle, rng))
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
