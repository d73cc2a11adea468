"""Changes to a photo: slight ones that make another of the same thing, and drift."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from scripts.generate.drawings import SIDE

DEGREES = 4
CROPPED = 0.06  # at most so much of the side is cut away
BRIGHTNESS = 0.08
JPEG_QUALITY = (75, 95)
MARGIN = 8  # pixels beyond the edge that a turned picture may show

DARKER, BLURRED, OTHER_CLASSES = "darker", "blurred", "other-classes"
DRIFTS = (DARKER, BLURRED, OTHER_CLASSES)
DARKENED = 0.55
BLUR_RADIUS = 5  # pixels of a picture 128 wide: more than one of the 32 that the model sees


def slightly(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Turn, crop and brighten a picture by a little: RGB, SIDE x SIDE, in and out."""
    edges = ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0))
    mirrored_at_the_edge = Image.fromarray(np.pad(np.asarray(picture), edges, "reflect"))
    turned = mirrored_at_the_edge.rotate(rng.uniform(-DEGREES, DEGREES), Image.Resampling.BICUBIC)
    side = SIDE * (1 - rng.uniform(0, CROPPED))
    left, top = MARGIN + rng.uniform(0, SIDE - side, 2)
    box = (left, top, left + side, top + side)
    cropped = turned.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box)
    return brighter(cropped, 1 + rng.uniform(-BRIGHTNESS, BRIGHTNESS))


def brighter(picture: Image.Image, factor: float) -> Image.Image:
    """Multiply every channel by the factor."""
    return ImageEnhance.Brightness(picture).enhance(factor)


def jpeg(picture: Image.Image, rng: np.random.Generator) -> bytes:
    """Encode the picture at a quality that a camera might choose."""
    return encoded(picture, "JPEG", quality=int(rng.integers(*JPEG_QUALITY, endpoint=True)))


def encoded(picture: Image.Image, file_format: str, **options) -> bytes:
    """Encode the picture as a file of any format that Pillow writes."""
    file = io.BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()


def change_of(kind: str | None) -> Callable[[Image.Image], Image.Image]:
    """Return what a kind of drift does to a picture; None stands for no drift."""
    if kind == DARKER:
        return lambda picture: brighter(picture, DARKENED)
    if kind == BLURRED:
        return lambda picture: picture.filter(ImageFilter.GaussianBlur(BLUR_RADIUS))
    return lambda picture: picture
