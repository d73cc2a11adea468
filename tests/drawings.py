"""Drawn bicycles and motorcycles, for tests that run without photos."""

import io
import pickle
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SIDE = 128
OVERSAMPLING = 3
CIFAR_SIDE = 32
# Official CIFAR-100 fine labels of the two drawn classes.
LABELS = {"bicycle": 8, "motorcycle": 48}

Colour = tuple[int, int, int]
Point = tuple[float, float]

ASPHALT, PAVING, GRASS, SAND = (92, 94, 98), (172, 166, 158), (124, 158, 92), (208, 190, 150)
SKIES = ((168, 204, 236), (206, 218, 228), (238, 206, 176), (146, 178, 214))
WALLS = ((214, 196, 172), (188, 120, 98), (226, 226, 220), (158, 172, 182), (222, 204, 132))
TYRE, METAL, LIGHT = (34, 34, 38), (176, 180, 186), (250, 232, 150)
PAINTS = (
    *((196, 40, 44), (28, 86, 168), (34, 120, 80), (236, 158, 32)),
    *((40, 42, 48), (150, 70, 148), (238, 238, 234)),
)
NOISE = 5  # standard deviation, of 255


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


def draw(vehicle: str, rng: np.random.Generator) -> Image.Image:
    """A bicycle or a motorcycle on a varied background: RGB, SIDE x SIDE."""
    canvas = Canvas()
    horizon = (_street, _field, _wall)[rng.integers(3)](canvas, rng)
    ground = horizon - rng.uniform(0.08, 0.16)
    scale = rng.uniform(0.72, 0.98)
    centre = 0.5 + rng.uniform(-0.5, 0.5) * (1.06 - scale)
    canvas.place((centre, ground), scale, mirrored=rng.random() < 0.5)
    canvas.disc((0, 0), 0.46, (58, 58, 60), 0.07)
    paint = _shade(PAINTS[rng.integers(len(PAINTS))], rng, 12)
    {"bicycle": _bicycle, "motorcycle": _motorcycle}[vehicle](canvas, paint)
    noise = rng.normal(0, NOISE, (SIDE, SIDE, 1)).astype(np.float32)
    return Image.fromarray(np.clip(np.asarray(canvas.finish()) + noise, 0, 255).astype(np.uint8))


class Canvas:
    """Draws at three times the size. x grows to the right (`mirrored`: to the left), y upwards."""

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

    def box(self, left: float, bottom: float, right: float, top: float, colour: Colour) -> None:
        self.polygon([(left, bottom), (right, bottom), (right, top), (left, top)], colour)

    def disc(self, centre: Point, radius: float, colour: Colour, flat: float = 1) -> None:
        self._pen.ellipse(self._bounds(centre, radius, flat), colour)

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

    def _bounds(self, centre: Point, radius: float, flat: float = 1) -> list[float]:
        x, y = self._pixel(centre)
        wide = radius * self._scale * self._side
        return [x - wide, y - wide * flat, x + wide, y + wide * flat]


def _shade(colour: Colour, rng: np.random.Generator, spread: int = 22) -> Colour:
    moved = np.asarray(colour) + rng.integers(-spread, spread + 1) + rng.integers(-8, 9, 3)
    return tuple(int(level) for level in np.clip(moved, 0, 255))


def _lighter(colour: Colour, by: int) -> Colour:
    return tuple(min(255, max(0, level + by)) for level in colour)


def _sky(canvas: Canvas, rng: np.random.Generator) -> None:
    sky = _shade(SKIES[rng.integers(len(SKIES))], rng, 14)
    for band in range(8):
        canvas.box(0, band / 8, 1, 1, _lighter(sky, 3 * (4 - band)))


def _street(canvas: Canvas, rng: np.random.Generator) -> float:
    """Return where the ground's horizon lies, as the other backgrounds do."""
    horizon = rng.uniform(0.3, 0.42)
    _sky(canvas, rng)
    left = -0.05
    while left < 1:
        width, top = rng.uniform(0.14, 0.32), rng.uniform(0.58, 0.98)
        front = _shade(WALLS[rng.integers(len(WALLS))], rng)
        canvas.box(left, horizon, left + width, top, front)
        pane = _lighter(front, int(rng.integers(-70, -35)))
        for x in np.arange(left + 0.03, left + width - 0.04, 0.075):
            for y in np.arange(horizon + 0.1, top - 0.06, 0.11):
                canvas.box(x, y, x + 0.035, y + 0.055, pane)
        left += width
    canvas.box(0, 0, 1, horizon, _shade(ASPHALT, rng))
    canvas.box(0, horizon - 0.04, 1, horizon, _shade(PAVING, rng))
    return horizon


def _field(canvas: Canvas, rng: np.random.Generator) -> float:
    horizon = rng.uniform(0.34, 0.5)
    _sky(canvas, rng)
    for _ in range(rng.integers(1, 4)):
        centre = (rng.uniform(0, 1), horizon - 0.12)
        canvas.disc(centre, rng.uniform(0.25, 0.5), _shade((128, 152, 130), rng), 0.6)
    for _ in range(rng.integers(0, 4)):
        x, leaves = rng.uniform(0, 1), _shade((72, 112, 66), rng)
        canvas.box(x - 0.012, horizon - 0.02, x + 0.012, horizon + 0.14, (98, 76, 58))
        canvas.disc((x, horizon + 0.2), rng.uniform(0.07, 0.12), leaves, 1.2)
    canvas.box(0, 0, 1, horizon, _shade((GRASS, SAND)[rng.integers(2)], rng))
    return horizon


def _wall(canvas: Canvas, rng: np.random.Generator) -> float:
    horizon = rng.uniform(0.24, 0.36)
    wall = _shade(WALLS[rng.integers(len(WALLS))], rng)
    canvas.box(0, horizon, 1, 1, wall)
    joint, course = _lighter(wall, -18), rng.uniform(0.07, 0.12)
    for number, y in enumerate(np.arange(horizon, 1, course)):
        canvas.line([(0, y), (1, y)], joint, 0.006)
        for x in np.arange(0.09 * (number % 2), 1, 0.18):
            canvas.line([(x, y), (x, y + course)], joint, 0.006)
    canvas.box(0, 0, 1, horizon, _shade(PAVING, rng))
    return horizon


def _bicycle(canvas: Canvas, paint: Colour) -> None:
    rear, front, radius = (-0.28, 0.21), (0.28, 0.21), 0.21
    pedals, saddle, head = (-0.04, 0.19), (-0.13, 0.47), (0.2, 0.49)
    for hub in (rear, front):
        for angle in np.arange(0, np.pi, np.pi / 5):
            x, y = radius * np.cos(angle), radius * np.sin(angle)
            canvas.line([(hub[0] - x, hub[1] - y), (hub[0] + x, hub[1] + y)], METAL, 0.006)
        canvas.ring(hub, radius, TYRE, 0.03)
    canvas.line([rear, pedals, head, saddle, pedals], paint, 0.03)
    canvas.line([rear, (saddle[0] + 0.02, saddle[1] - 0.07)], paint, 0.022)
    canvas.line([head, front], paint, 0.03)
    canvas.line([(saddle[0] - 0.07, 0.51), (saddle[0] + 0.05, 0.51)], TYRE, 0.04)
    canvas.line([saddle, (saddle[0] - 0.01, 0.51)], METAL, 0.022)
    canvas.line([head, (0.18, 0.56), (0.27, 0.58), (0.29, 0.53)], TYRE, 0.026)
    canvas.ring(pedals, 0.055, METAL, 0.02)
    canvas.line([(pedals[0] - 0.05, 0.12), (pedals[0] + 0.05, 0.26)], TYRE, 0.018)


def _motorcycle(canvas: Canvas, paint: Colour) -> None:
    rear, front, radius = (-0.3, 0.17), (0.31, 0.17), 0.17
    for hub in (rear, front):
        canvas.disc(hub, radius, TYRE)
        canvas.disc(hub, 0.085, METAL)
        canvas.disc(hub, 0.045, TYRE)
    canvas.line([front, (0.19, 0.46)], METAL, 0.045)
    canvas.line([(0.14, 0.53), (0.2, 0.48), (0.25, 0.5)], TYRE, 0.03)
    canvas.polygon([(-0.15, 0.12), (0.14, 0.12), (0.18, 0.36), (-0.12, 0.36)], (74, 76, 82))
    canvas.disc((0.0, 0.22), 0.07, METAL)
    canvas.line([(0.1, 0.14), (-0.14, 0.11), (-0.44, 0.2)], METAL, 0.05)
    canvas.polygon([(-0.16, 0.36), (-0.06, 0.46), (0.12, 0.51), (0.22, 0.42), (0.14, 0.33)], paint)
    canvas.polygon([(-0.46, 0.42), (-0.44, 0.36), (-0.12, 0.33), (-0.06, 0.42)], TYRE)
    canvas.polygon([(-0.48, 0.41), (-0.42, 0.31), (-0.24, 0.34), (-0.3, 0.39)], paint)
    canvas.disc((0.26, 0.42), 0.045, LIGHT)
