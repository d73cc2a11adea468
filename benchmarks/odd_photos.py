"""Photos that show nothing a model knows, drawn at random: colours, noise, shapes, text, screens.

Training never imports this module. Of plain colours and noise it draws fields of its own
(model/training/fit.py); the other kinds it never learnt.
"""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from handlers.photo import to_model_input

SIDES = (320, 240)  # of a photo, before it is shrunk to the model's size
MAX_PIXELS = 1_000_000
WORDS = (
    *("the", "order", "is", "ready", "at", "table", "please", "call", "me", "back", "tomorrow"),
    *("scones", "jam", "cream", "invoice", "total", "12.50", "thank", "you", "visit", "open"),
    *("from", "8", "to", "17", "password", "settings", "sign", "in"),
)


def make(kind: str, count: int, size: int, seed: int = 0) -> np.ndarray:
    """Return `count` photos of one of KINDS as the model sees them, uint8 N x size x size x 3."""
    rng = np.random.default_rng([seed, list(KINDS).index(kind)])
    return np.stack([shrink(KINDS[kind](rng), size) for _ in range(count)])


def shrink(image: Image.Image, size: int) -> np.ndarray:
    """Return the photo as the functions send it to the endpoint, uint8 size x size x 3."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return np.asarray(Image.open(io.BytesIO(to_model_input(file.getvalue(), size, MAX_PIXELS))))


def draw_colour(rng: np.random.Generator) -> Image.Image:
    """One colour."""
    return Image.new("RGB", SIDES, choose_colour(rng))


def draw_noise(rng: np.random.Generator) -> Image.Image:
    """Independent pixels, in squares of 1 to 32 pixels."""
    side = int(2 ** rng.integers(0, 6))
    small = rng.integers(0, 256, (-(-SIDES[1] // side), -(-SIDES[0] // side), 3), np.uint8)
    return Image.fromarray(small.repeat(side, 0).repeat(side, 1))


def draw_shapes(rng: np.random.Generator) -> Image.Image:
    """One to eight ellipses, rectangles, lines and triangles on a plain ground."""
    image = draw_colour(rng)
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(1, 9)):
        (left, right), (top, bottom) = (
            np.sort(rng.integers(0, side, 2)).tolist() for side in SIDES
        )
        colour = choose_colour(rng)
        shape = rng.integers(4)
        if shape == 0:
            draw.ellipse((left, top, right, bottom), fill=colour)
        elif shape == 1:
            draw.rectangle((left, top, right, bottom), fill=colour)
        elif shape == 2:
            draw.line((left, top, right, bottom), fill=colour, width=int(rng.integers(2, 20)))
        else:
            draw.polygon([(left, bottom), (right, bottom), ((left + right) // 2, top)], fill=colour)
    return image


def draw_text(rng: np.random.Generator) -> Image.Image:
    """Lines of words, dark on light or light on dark."""
    dark, light = rng.integers(0, 90, 3), rng.integers(180, 256, 3)
    ground, ink = (light, dark) if rng.random() < 0.7 else (dark, light)
    image = Image.new("RGB", SIDES, tuple(ground.tolist()))
    write(ImageDraw.Draw(image), rng, (10, 10, *SIDES), tuple(ink.tolist()), rng.integers(10, 40))
    return image


def draw_screen(rng: np.random.Generator) -> Image.Image:
    """A screenshot: a bar, a menu at the side, panels with text and buttons."""
    image = Image.new("RGB", SIDES, (rng.integers(225, 256),) * 3)
    draw = ImageDraw.Draw(image)
    bar, menu = int(rng.integers(12, 40)), int(rng.integers(0, 100))
    draw.rectangle((0, 0, SIDES[0], bar), fill=choose_colour(rng))
    draw.rectangle((0, bar, menu, SIDES[1]), fill=(int(rng.integers(30, 230)),) * 3)
    write(draw, rng, (menu + 8, bar + 8, *SIDES), (40, 40, 40), rng.integers(8, 16))
    for _ in range(rng.integers(1, 5)):
        left, top = rng.integers(menu, SIDES[0] - 40), rng.integers(bar, SIDES[1] - 20)
        box = (
            int(left),
            int(top),
            int(left + rng.integers(30, 140)),
            int(top + rng.integers(12, 80)),
        )
        draw.rounded_rectangle(box, 5, fill=choose_colour(rng), outline=(120, 120, 120))
    return image


def draw_black(rng: np.random.Generator) -> Image.Image:
    """A lens cap or a night: black with a sensor's noise."""
    level, noise = rng.uniform(0, 12), rng.uniform(0, 6)
    pixels = rng.normal(level, noise, (SIDES[1], SIDES[0], 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def write(draw, rng, box: tuple, ink: tuple, size: int) -> None:
    """Fill the box with lines of words."""
    font = ImageFont.load_default(int(size))
    left, top, right, bottom = box
    for y in range(top, bottom - int(size), int(size * 1.4)):
        count = int((right - left) / (size * 3)) + 1
        line = " ".join(rng.choice(WORDS, rng.integers(1, count + 1)))
        draw.text((left, y), line, fill=ink, font=font)


def choose_colour(rng: np.random.Generator) -> tuple[int, int, int]:
    """Return any colour."""
    return tuple(rng.integers(0, 256, 3).tolist())


KINDS: dict[str, Callable[[np.random.Generator], Image.Image]] = {
    "plain colours": draw_colour,
    "noise": draw_noise,
    "drawn shapes": draw_shapes,
    "text": draw_text,
    "screenshots": draw_screen,
    "black photos": draw_black,
}
