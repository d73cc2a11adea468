"""Drawn bicycles, motorcycles and empty roads, for tests that run without photos."""

import pickle
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from tests.archives import tar

SIDE = 64
CIFAR_SIDE = 32
# Official CIFAR-100 fine labels of the two drawn classes, and of roads without a vehicle.
LABELS = {"bicycle": 8, "motorcycle": 48, "road": 68}
ROADS = 0.5  # as many roads as vehicles of a class
DARK = (34, 34, 38)
NOISE = 12  # standard deviation, of 255


def write_cifar_archive(path: Path, train: int = 120, test: int = 40) -> Path:
    """Write a CIFAR-100-shaped tar.gz with `train` and `test` drawn rows a vehicle, and roads."""
    names = [f"class_{n}".encode() for n in range(100)]
    for vehicle, label in LABELS.items():
        names[label] = vehicle.encode()
    members = {
        "train": cifar_rows(train, seed=1),
        "test": cifar_rows(test, seed=2),
        "meta": {b"fine_label_names": names},
    }
    pickled = {name: pickle.dumps(content, protocol=2) for name, content in members.items()}
    path.write_bytes(tar({f"cifar-100-python/{name}": data for name, data in pickled.items()}))
    return path


def cifar_rows(per_class: int, seed: int) -> dict:
    """Rows as the official archive pickles them: uint8 N x 3072 (R, G, B), labels, names."""
    rng = np.random.default_rng(seed)
    rows, labels, names = [], [], []
    for number in range(per_class):
        for vehicle, label in LABELS.items():
            if vehicle == "road" and number >= per_class * ROADS:
                continue
            pixels = np.asarray(draw(vehicle, rng).reduce(SIDE // CIFAR_SIDE))
            rows.append(pixels.transpose(2, 0, 1).reshape(-1))
            labels.append(label)
            names.append(f"{vehicle}_s_{number:06d}.png".encode())
    return {b"data": np.stack(rows), b"fine_labels": labels, b"filenames": names}


def draw(vehicle: str, rng: np.random.Generator) -> Image.Image:
    """Thin wheels and a thin frame, full ones, or a road alone, before a wall: RGB, SIDE x SIDE."""
    wall, ground, paint = (tuple(map(int, colour)) for colour in rng.integers(70, 240, (3, 3)))
    image = Image.new("RGB", (SIDE, SIDE), wall)
    pen = ImageDraw.Draw(image)
    floor, radius = rng.integers(44, 58), 10
    pen.rectangle((0, floor - 4, SIDE, SIDE), ground)
    rear, front = rng.integers(14, 20), rng.integers(44, 50)
    top = floor - 3 * radius
    if vehicle == "bicycle":
        for x in (rear, front):
            pen.circle((x, floor - radius), radius, outline=DARK, width=2)
        pen.line([(rear, floor - radius), (rear + 10, top), (front, floor - radius)], paint, 2)
    elif vehicle == "motorcycle":
        for x in (rear, front):
            pen.circle((x, floor - radius), radius, fill=DARK)
        pen.rectangle((rear, top + 6, front, floor - radius), paint)
    noise = rng.normal(0, NOISE, (SIDE, SIDE, 1))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))
