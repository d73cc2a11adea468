"""Backgrounds for drawn vehicles: a street, a field, a wall or open water."""

import numpy as np

from scripts.generator.canvas import Canvas, Colour

ASPHALT, PAVING, GRASS, SAND, SEA = (
    (92, 94, 98),
    (172, 166, 158),
    (124, 158, 92),
    (208, 190, 150),
    (74, 122, 158),
)
SKIES = ((168, 204, 236), (206, 218, 228), (238, 206, 176), (146, 178, 214))
WALLS = ((214, 196, 172), (188, 120, 98), (226, 226, 220), (158, 172, 182), (222, 204, 132))


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
