"""The PNGs that the endpoint takes: those that the functions make, and no others."""

import struct

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from handlers.photo import to_model_input, to_model_pixels
from model.serving.errors import InvalidImage
from model.serving.pixels import read_png
from scripts.generate.bad_images import bomb, chunk
from tests.model import served
from tests.unit.handlers import photos

SIDE = 32
IMAGE = Image.fromarray(np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3), np.uint8))
PNG = served.encode(IMAGE, "PNG")
END_OF_HEADER = 33
RGB16 = struct.pack(">IIBBBBB", SIDE, SIDE, 16, 2, 0, 0, 0)


@pytest.mark.parametrize(
    "photo",
    [
        PNG,
        served.encode(IMAGE.resize((301, 203)), "PNG"),
        served.encode(IMAGE.convert("RGBA"), "WEBP"),
        photos.rotated(6),
        photos.grey16(32896),
    ],
    ids=["PNG", "larger PNG", "WebP", "turned JPEG", "16 bits"],
)
def test_what_the_functions_make_of_a_photo_is_seen_bit_for_bit(photo):
    seen = read_png(to_model_input(photo, SIDE, 10**6), SIDE)
    assert (seen.shape, seen.dtype) == ((SIDE, SIDE, 3), np.uint8)
    assert seen.tobytes() == to_model_pixels(photo, SIDE, 10**6)


def text(**items: str) -> dict:
    info = PngImagePlugin.PngInfo()
    for key, value in items.items():
        info.add_itxt(key, value)
    return {"pnginfo": info}


def turned() -> dict:
    exif = Image.Exif()
    exif[0x0112] = 6
    return {"exif": exif}


def with_chunk(data: bytes, at: int = END_OF_HEADER) -> bytes:
    return PNG[:at] + data + PNG[at:]


NOT_TAKEN = {
    "empty": b"",
    "text": b"not an image",
    "JPEG": served.encode(IMAGE, "JPEG"),
    "another size": served.encode(IMAGE.resize((64, 64)), "PNG"),
    "many pixels": bomb(30_000),
    "grey": served.encode(IMAGE.convert("L"), "PNG"),
    "palette": served.encode(IMAGE.convert("P"), "PNG"),
    "alpha": served.encode(IMAGE.convert("RGBA"), "PNG"),
    "16 bits": PNG[:8] + chunk(b"IHDR", RGB16) + PNG[END_OF_HEADER:],
    "a transparent colour": served.encode(IMAGE, "PNG", transparency=(1, 2, 3)),
    "turned": served.encode(IMAGE, "PNG", **turned()),
    "a profile": served.encode(IMAGE, "PNG", icc_profile=bytes(200)),
    "a comment": served.encode(IMAGE, "PNG", **text(comment="hello")),
    "animated": served.encode(IMAGE, "PNG", save_all=True, append_images=[IMAGE.rotate(90)]),
    "a second header": with_chunk(bomb(12_000)[8:END_OF_HEADER]),
    "cut off": PNG[: len(PNG) // 2],
    "header alone": PNG[:40],
    "a damaged middle": PNG[:200] + bytes(60) + PNG[260:],
}


@pytest.mark.parametrize("body", NOT_TAKEN.values(), ids=NOT_TAKEN)
def test_any_other_body_is_refused_with_what_is_taken(body):
    with pytest.raises(InvalidImage, match="send a PNG of 32 x 32 pixels, 8-bit RGB"):
        read_png(body, SIDE)
