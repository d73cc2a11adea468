"""Drawn vehicles on varied backgrounds: photos for whoever has none.

A vehicle is drawn in a frame of its own: one unit long, (0, 0) in the middle of its length on
the ground, facing right.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image

from scripts.generator import scenes
from scripts.generator.canvas import SIDE, Canvas, Colour

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
    canvas.box(-0.47, 0.17, 0.17, 0.58, scenes.lighter(paint, 40))
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
    horizon = (scenes.water if vehicle == "ship" else scenes.land)(canvas, rng)
    ground = horizon - rng.uniform(0.08, 0.16)
    scale = rng.uniform(0.72, 0.98)
    centre = 0.5 + rng.uniform(-0.5, 0.5) * (1.06 - scale)
    canvas.place((centre, ground), scale, mirrored=rng.random() < 0.5)
    if vehicle != "ship":
        canvas.disc((0, 0), 0.46, (58, 58, 60), 0.07)
    VEHICLES[vehicle](canvas, scenes.shade(PAINTS[rng.integers(len(PAINTS))], rng, 12))
    noise = rng.normal(0, NOISE, (SIDE, SIDE, 1)).astype(np.float32)
    return Image.fromarray(np.clip(np.asarray(canvas.finished()) + noise, 0, 255).astype(np.uint8))
