"""Drawn vehicles on varied backgrounds: photos for whoever has none."""

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw

SIDE = 128  # pixels a side of every picture that the generator makes
OVERSAMPLING = 3

Colour = tuple[int, int, int]
Point = tuple[float, float]

ASPHALT, PAVING, GRASS, SAND, SEA = (
    (92, 94, 98),
    (172, 166, 158),
    (124, 158, 92),
    (208, 190, 150),
    (74, 122, 158),
)
SKIES = ((168, 204, 236), (206, 218, 228), (238, 206, 176), (146, 178, 214))
WALLS = ((214, 196, 172), (188, 120, 98), (226, 226, 220), (158, 172, 182), (222, 204, 132))

TYRE, METAL, GLASS, LIGHT = (34, 34, 38), (176, 180, 186), (136, 168, 190), (250, 232, 150)
PAINTS = (
    (196, 40, 44),
    (28, 86, 168),
    (34, 120, 80),
    (236, 158, 32),
    (40, 42, 48),
    (150, 70, 148),
    (238, 238, 234),
)
NOISE = 5  # standard deviation, of 255


class Canvas:
    """Draws at three times the size and shrinks at the end.

    `anchor` is where (0, 0) lies, `scale` how long a unit is in sides of the picture; x grows to
    the right, or to the left where `mirrored`, and y grows upwards.
    """

    def __init__(self):
        self._side = SIDE * OVERSAMPLING
        self._image = Image.new("RGB", (self._side, self._side))
        self._pen = ImageDraw.Draw(self._image)
        self.place((0, 0), 1)

    def place(self, anchor: Point, scale: float, mirrored: bool = False) -> None:
        """Let what follows be drawn elsewhere, larger or smaller."""
        self._anchor, self._scale, self._direction = anchor, scale, -1 if mirrored else 1

    def line(self, points: Sequence[Point], colour: Colour, width: float) -> None:
        """Draw a line with round joints, `width` units wide."""
        pixels = max(1, round(width * self._scale * self._side))
        self._pen.line([self._pixel(point) for point in points], colour, pixels, joint="curve")

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """Fill a polygon."""
        self._pen.polygon([self._pixel(point) for point in points], colour)

    def box(self, left: float, bottom: float, right: float, top: float, colour: Colour) -> None:
        """Fill a rectangle."""
        self.polygon([(left, bottom), (right, bottom), (right, top), (left, top)], colour)

    def disc(self, centre: Point, radius: float, colour: Colour, flat: float = 1) -> None:
        """Fill a circle, or an ellipse `flat` times as high as it is wide."""
        self._pen.ellipse(self._bounds(centre, radius, flat), colour)

    def ring(self, centre: Point, radius: float, colour: Colour, width: float) -> None:
        """Draw a circle whose line, `width` units wide, lies within the radius."""
        pixels = max(1, round(width * self._scale * self._side))
        self._pen.ellipse(self._bounds(centre, radius), outline=colour, width=pixels)

    def finished(self) -> Image.Image:
        """Return the picture, RGB, SIDE x SIDE."""
        return self._image.reduce(OVERSAMPLING)

    def _pixel(self, point: Point) -> Point:
        x = self._anchor[0] + self._direction * point[0] * self._scale
        y = self._anchor[1] + point[1] * self._scale
        return x * self._side, (1 - y) * self._side

    def _bounds(self, centre: Point, radius: float, flat: float = 1) -> list[float]:
        x, y = self._pixel(centre)
        wide = radius * self._scale * self._side
        return [x - wide, y - wide * flat, x + wide, y + wide * flat]


def land(canvas: Canvas, rng: np.random.Generator) -> float:
    """Draw a street, a field or a wall; return where the ground's horizon lies (0 to 1)."""
    return (_street, _field, _wall)[rng.integers(3)](canvas, rng)


def water(canvas: Canvas, rng: np.random.Generator) -> float:
    """Draw open water with waves and return the horizon's height."""
    horizon = rng.uniform(0.36, 0.5)
    _sky(canvas, rng)
    sea = shade(SEA, rng)
    canvas.box(0, 0, 1, horizon, sea)
    for _ in range(rng.integers(6, 14)):
        x, y, length = rng.uniform(-0.1, 1), rng.uniform(0.02, horizon), rng.uniform(0.06, 0.2)
        canvas.line([(x, y), (x + length, y)], lighter(sea, 22), 0.008)
    return horizon


def shade(colour: Colour, rng: np.random.Generator, spread: int = 22) -> Colour:
    """Return a colour near the given one."""
    moved = np.asarray(colour) + rng.integers(-spread, spread + 1) + rng.integers(-8, 9, 3)
    return tuple(int(level) for level in np.clip(moved, 0, 255))


def lighter(colour: Colour, by: int) -> Colour:
    """Return the colour with `by` more of each channel; negative is darker."""
    return tuple(min(255, max(0, level + by)) for level in colour)


def _street(canvas: Canvas, rng: np.random.Generator) -> float:
    horizon = rng.uniform(0.3, 0.42)
    _sky(canvas, rng)
    left = -0.05
    while left < 1:
        width, top = rng.uniform(0.14, 0.32), rng.uniform(0.58, 0.98)
        front = shade(WALLS[rng.integers(len(WALLS))], rng)
        canvas.box(left, horizon, left + width, top, front)
        pane = lighter(front, int(rng.integers(-70, -35)))
        for x in np.arange(left + 0.03, left + width - 0.04, 0.075):
            for y in np.arange(horizon + 0.1, top - 0.06, 0.11):
                canvas.box(x, y, x + 0.035, y + 0.055, pane)
        left += width
    canvas.box(0, 0, 1, horizon, shade(ASPHALT, rng))
    canvas.box(0, horizon - 0.04, 1, horizon, shade(PAVING, rng))
    return horizon


def _field(canvas: Canvas, rng: np.random.Generator) -> float:
    horizon = rng.uniform(0.34, 0.5)
    _sky(canvas, rng)
    for _ in range(rng.integers(1, 4)):
        centre = (rng.uniform(0, 1), horizon - 0.12)
        canvas.disc(centre, rng.uniform(0.25, 0.5), shade((128, 152, 130), rng), 0.6)
    for _ in range(rng.integers(0, 4)):
        x, leaves = rng.uniform(0, 1), shade((72, 112, 66), rng)
        canvas.box(x - 0.012, horizon - 0.02, x + 0.012, horizon + 0.14, (98, 76, 58))
        canvas.disc((x, horizon + 0.2), rng.uniform(0.07, 0.12), leaves, 1.2)
    canvas.box(0, 0, 1, horizon, shade((GRASS, SAND)[rng.integers(2)], rng))
    return horizon


def _wall(canvas: Canvas, rng: np.random.Generator) -> float:
    horizon = rng.uniform(0.24, 0.36)
    wall = shade(WALLS[rng.integers(len(WALLS))], rng)
    canvas.box(0, horizon, 1, 1, wall)
    joint, course = lighter(wall, -18), rng.uniform(0.07, 0.12)
    for number, y in enumerate(np.arange(horizon, 1, course)):
        canvas.line([(0, y), (1, y)], joint, 0.006)
        for x in np.arange(0.09 * (number % 2), 1, 0.18):
            canvas.line([(x, y), (x, y + course)], joint, 0.006)
    canvas.box(0, 0, 1, horizon, shade(PAVING, rng))
    return horizon


def _sky(canvas: Canvas, rng: np.random.Generator) -> None:
    sky = shade(SKIES[rng.integers(len(SKIES))], rng, 14)
    bands = 8
    for band in range(bands):
        canvas.box(0, band / bands, 1, 1, lighter(sky, 3 * (bands // 2 - band)))


def bicycle(canvas: Canvas, paint: Colour) -> None:
    """Two large thin wheels and a frame of tubes."""
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


def motorcycle(canvas: Canvas, paint: Colour) -> None:
    """Two thick wheels, a tank, an engine block and an exhaust."""
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


def automobile(canvas: Canvas, paint: Colour) -> None:
    """A saloon: a low body, a cabin with windows."""
    canvas.polygon([(-0.26, 0.26), (-0.17, 0.4), (0.1, 0.4), (0.22, 0.26)], paint)
    canvas.polygon([(-0.22, 0.26), (-0.15, 0.375), (-0.04, 0.375), (-0.04, 0.26)], GLASS)
    canvas.polygon([(-0.01, 0.26), (-0.01, 0.375), (0.09, 0.375), (0.18, 0.26)], GLASS)
    canvas.polygon(
        [(-0.46, 0.09), (-0.47, 0.24), (-0.3, 0.27), (0.24, 0.27), (0.46, 0.22), (0.47, 0.09)],
        paint,
    )
    canvas.disc((0.44, 0.19), 0.025, LIGHT)
    for x in (-0.28, 0.29):
        canvas.disc((x, 0.095), 0.095, TYRE)
        canvas.disc((x, 0.095), 0.045, METAL)


def truck(canvas: Canvas, paint: Colour) -> None:
    """A box on a chassis behind a tall cab."""
    canvas.box(-0.47, 0.12, 0.46, 0.17, (60, 62, 66))
    canvas.box(-0.47, 0.17, 0.17, 0.58, lighter(paint, 40))
    canvas.box(-0.47, 0.34, 0.17, 0.4, paint)
    canvas.polygon([(0.2, 0.15), (0.2, 0.48), (0.36, 0.48), (0.46, 0.32), (0.46, 0.15)], paint)
    canvas.polygon([(0.27, 0.32), (0.27, 0.45), (0.34, 0.45), (0.42, 0.32)], GLASS)
    for x in (-0.36, -0.19, 0.33):
        canvas.disc((x, 0.09), 0.09, TYRE)
        canvas.disc((x, 0.09), 0.04, METAL)


def ship(canvas: Canvas, paint: Colour) -> None:
    """A hull with decks, windows and a funnel."""
    canvas.box(-0.3, 0.15, 0.18, 0.29, (236, 236, 232))
    canvas.box(-0.22, 0.29, 0.08, 0.38, (220, 222, 222))
    canvas.polygon([(-0.14, 0.38), (-0.13, 0.52), (-0.02, 0.52), (-0.03, 0.38)], paint)
    for x in np.arange(-0.26, 0.16, 0.075):
        canvas.box(x, 0.2, x + 0.035, 0.245, GLASS)
    canvas.polygon([(-0.4, 0), (-0.46, 0.16), (0.5, 0.18), (0.4, 0)], paint)
    canvas.line([(0.28, 0.17), (0.28, 0.42)], METAL, 0.016)


VEHICLES: dict[str, Callable[[Canvas, Colour], None]] = {
    "bicycle": bicycle,
    "motorcycle": motorcycle,
    "automobile": automobile,
    "truck": truck,
    "ship": ship,
}


def draw(vehicle: str, rng: np.random.Generator) -> Image.Image:
    """Return a picture of one of VEHICLES: RGB, SIDE x SIDE."""
    canvas = Canvas()
    horizon = (water if vehicle == "ship" else land)(canvas, rng)
    ground = horizon - rng.uniform(0.08, 0.16)
    scale = rng.uniform(0.72, 0.98)
    centre = 0.5 + rng.uniform(-0.5, 0.5) * (1.06 - scale)
    canvas.place((centre, ground), scale, mirrored=rng.random() < 0.5)
    if vehicle != "ship":
        canvas.disc((0, 0), 0.46, (58, 58, 60), 0.07)
    VEHICLES[vehicle](canvas, shade(PAINTS[rng.integers(len(PAINTS))], rng, 12))
    noise = rng.normal(0, NOISE, (SIDE, SIDE, 1)).astype(np.float32)
    return Image.fromarray(np.clip(np.asarray(canvas.finished()) + noise, 0, 255).astype(np.uint8))
