"""Drawn bicycles, motorcycles and empty roads, for tests that run without photos."""

import io
import pickle
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SIDE = 64
OVERSAMPLING = 2
CIFAR_SIDE = 32
# Official CIFAR-100 fine labels of the two drawn classes, and of streets without a vehicle.
LABELS = {"bicycle": 8, "motorcycle": 48, "road": 68}
STREETS = 0.5  # as many streets as vehicles of a class

Colour = tuple[int, int, int]
Point = tuple[float, float]

WALLS = ((168, 204, 236), (238, 206, 176), (188, 120, 98), (226, 226, 220), (158, 172, 182))
GROUNDS = ((92, 94, 98), (172, 166, 158), (124, 158, 92), (208, 190, 150))
PAINTS = ((196, 40, 44), (28, 86, 168), (34, 120, 80), (236, 158, 32), (40, 42, 48))
TYRE, METAL, LIGHT = (34, 34, 38), (176, 180, 186), (250, 232, 150)
NOISE = 5  # standard deviation, of 255


def write_cifar_archive(path: Path, train: int = 120, test: int = 40) -> Path:
    """Write a CIFAR-100-shaped tar.gz with `train` and `test` drawn rows a vehicle, and streets."""
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
            info = tarfile.TarInfo(f"cifar-100-python/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def cifar_rows(per_class: int, seed: int) -> dict:
    """Rows as the official archive pickles them: uint8 N x 3072 (R, G, B), labels, names."""
    rng = np.random.default_rng(seed)
    rows, labels, names = [], [], []
    for number in range(per_class):
        for vehicle, label in LABELS.items():
            if vehicle == "road" and number >= per_class * STREETS:
                continue
            pixels = np.asarray(draw(vehicle, rng).reduce(SIDE // CIFAR_SIDE))
            rows.append(pixels.transpose(2, 0, 1).reshape(-1))
            labels.append(label)
            names.append(f"{vehicle}_s_{number:06d}.png".encode())
    return {b"data": np.stack(rows), b"fine_labels": labels, b"filenames": names}


def draw(vehicle: str, rng: np.random.Generator) -> Image.Image:
    """A bicycle or a motorcycle before a wall, or a road alone: RGB, SIDE x SIDE."""
    canvas = Canvas()
    horizon = rng.uniform(0.25, 0.45)
    canvas.polygon([(0, 0), (0, 1), (1, 1), (1, 0)], _shade(WALLS, rng))
    canvas.polygon([(0, 0), (0, horizon), (1, horizon), (1, 0)], _shade(GROUNDS, rng))
    scale = rng.uniform(0.72, 0.98)
    centre = 0.5 + rng.uniform(-0.5, 0.5) * (1.06 - scale)
    canvas.place((centre, horizon - 0.12), scale, mirrored=rng.random() < 0.5)
    if vehicle != "road":
        {"bicycle": _bicycle, "motorcycle": _motorcycle}[vehicle](canvas, _shade(PAINTS, rng))
    noise = rng.normal(0, NOISE, (SIDE, SIDE, 1)).astype(np.float32)
    return Image.fromarray(np.clip(np.asarray(canvas.finish()) + noise, 0, 255).astype(np.uint8))


class Canvas:
    """Draws larger than asked. x grows to the right (`mirrored`: to the left), y upwards."""

    def __init__(self):
        self._side = SIDE * OVERSAMPLING
        self._image = Image.new("RGB", (self._side, self._side))
        self._pen = ImageDraw.Draw(self._image)
        self.place((0, 0), 1)

    def place(self, anchor: Point, scale: float, mirrored: bool = False) -> None:
        """Let (0, 0) lie at the anchor, and a unit be `scale` sides of the picture."""
        self._anchor, self._scale, self._direction = anchor, scale, -1 if mirrored else 1

    def line(self, points: Sequence[Point], colour: Colour, width: float) -> None:
        self._pen.line([*map(self._pixel, points)], colour, self._width(width), joint="curve")

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        self._pen.polygon([*map(self._pixel, points)], colour)

    def disc(self, centre: Point, radius: float, colour: Colour) -> None:
        self._pen.ellipse(self._bounds(centre, radius), colour)

    def ring(self, centre: Point, radius: float, colour: Colour, width: float) -> None:
        bounds = self._bounds(centre, radius)
        self._pen.ellipse(bounds, outline=colour, width=self._width(width))

    def finish(self) -> Image.Image:
        return self._image.reduce(OVERSAMPLING)

    def _width(self, width: float) -> int:
        return max(1, round(width * self._scale * self._side))

    def _pixel(self, point: Point) -> Point:
        x = self._anchor[0] + self._direction * point[0] * self._scale
        y = self._anchor[1] + point[1] * self._scale
        return x * self._side, (1 - y) * self._side

    def _bounds(self, centre: Point, radius: float) -> list[float]:
        x, y = self._pixel(centre)
        wide = radius * self._scale * self._side
        return [x - wide, y - wide, x + wide, y + wide]


def _shade(colours: Sequence[Colour], rng: np.random.Generator) -> Colour:
    """One of the colours, a little lighter or darker and tinted."""
    colour = np.asarray(colours[rng.integers(len(colours))])
    moved = colour + rng.integers(-22, 23) + rng.integers(-8, 9, 3)
    return tuple(int(level) for level in np.clip(moved, 0, 255))


def _bicycle(canvas: Canvas, paint: Colour) -> None:
    rear, front = (-0.28, 0.21), (0.28, 0.21)
    pedals, saddle, head = (-0.04, 0.19), (-0.13, 0.47), (0.2, 0.49)
    for hub in (rear, front):
        canvas.ring(hub, 0.21, TYRE, 0.03)
    canvas.line([rear, pedals, head, saddle, pedals], paint, 0.03)
    canvas.line([rear, (saddle[0] + 0.02, saddle[1] - 0.07)], paint, 0.022)
    canvas.line([front, head, (0.18, 0.56), (0.27, 0.58)], METAL, 0.03)
    canvas.line([(saddle[0] - 0.07, 0.51), (saddle[0] + 0.05, 0.51)], TYRE, 0.04)


def _motorcycle(canvas: Canvas, paint: Colour) -> None:
    rear, front = (-0.3, 0.17), (0.31, 0.17)
    for hub in (rear, front):
        canvas.disc(hub, 0.17, TYRE)
        canvas.disc(hub, 0.085, METAL)
    canvas.line([front, (0.19, 0.46)], METAL, 0.045)
    canvas.polygon([(-0.15, 0.12), (0.14, 0.12), (0.18, 0.36), (-0.12, 0.36)], (74, 76, 82))
    canvas.polygon([(-0.16, 0.36), (-0.06, 0.46), (0.12, 0.51), (0.22, 0.42), (0.14, 0.33)], paint)
    canvas.polygon([(-0.46, 0.42), (-0.44, 0.36), (-0.12, 0.33), (-0.06, 0.42)], TYRE)
    canvas.disc((0.26, 0.42), 0.045, LIGHT)
