"""What the endpoint makes of a photo: the same pixels as the functions make of it."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from handlers.photo import to_model_input
from model.serving import pixels
from model.serving.errors import ImageTooLarge, InvalidImage
from tests.model import served

SIDE = 32


def decode(body: bytes, media_type: str) -> np.ndarray:
    return pixels.to_pixels(pixels.open_image(body, media_type), SIDE)


def photo() -> Image.Image:
    """A wide picture, different in each corner."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (7, 9, 3), dtype=np.uint8))
    return coarse.resize((301, 203), Image.Resampling.BICUBIC)


def transparent() -> Image.Image:
    picture = photo().convert("RGBA")
    picture.putalpha(picture.getchannel("G"))
    return picture


def sixteen_bit() -> Image.Image:
    return Image.fromarray(np.linspace(0, 65535, 6000).reshape(60, 100).astype(np.uint16))


def turned(orientation: int) -> dict:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return {"exif": exif}


PHOTOS = {
    "RGB": (photo(), "PNG", {}),
    "grey": (photo().convert("L"), "PNG", {}),
    "black and white": (photo().convert("1"), "PNG", {}),
    "palette": (photo().convert("P"), "PNG", {}),
    "palette with a transparent colour": (photo().convert("P"), "PNG", {"transparency": 3}),
    "alpha": (transparent(), "PNG", {}),
    "grey with alpha": (transparent().convert("LA"), "PNG", {}),
    "16 bits": (sixteen_bit(), "PNG", {}),
    "16 bits with a transparent level": (sixteen_bit(), "PNG", {"transparency": 65535}),
    "one pixel": (photo().resize((1, 1)), "PNG", {}),
    "JPEG": (photo(), "JPEG", {}),
    "large JPEG": (photo().resize((1600, 1200)), "JPEG", {}),
    "grey JPEG": (photo().convert("L"), "JPEG", {}),
    "CMYK JPEG": (photo().convert("CMYK"), "JPEG", {}),
    "broken EXIF": (photo(), "JPEG", {"exif": b"Exif\0\0rubbish"}),
    "WebP": (photo(), "WEBP", {}),
    "WebP with alpha": (transparent(), "WEBP", {"lossless": True}),
    **{f"JPEG turned {n}": (photo(), "JPEG", turned(n)) for n in range(1, 9)},
    **{f"PNG turned {n}": (photo(), "PNG", turned(n)) for n in (3, 6)},
    **{f"WebP turned {n}": (photo(), "WEBP", turned(n)) for n in (3, 8)},
}


@pytest.mark.parametrize(("picture", "name", "options"), PHOTOS.values(), ids=PHOTOS)
def test_endpoint_and_functions_see_the_same_pixels(picture, name, options):
    body = served.encode(picture, name, **options)
    image_data = to_model_input(body, SIDE, pixels.MAX_PIXELS)
    as_the_functions_send_it = np.asarray(Image.open(io.BytesIO(image_data)))
    found = decode(body, f"image/{name.lower()}")
    assert found.shape == (SIDE, SIDE, 3)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, as_the_functions_send_it)


def test_a_png_of_the_models_size_comes_back_as_it_is():
    image = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    np.testing.assert_array_equal(decode(served.encode(image, "PNG"), "image/png"), image)


def test_transparent_parts_become_white():
    clear = Image.new("RGBA", (50, 50), (200, 0, 0, 0))
    assert (decode(served.encode(clear, "PNG"), "image/png") == 255).all()


def test_sixteen_bits_keep_their_brightness():
    grey = Image.fromarray(np.full((SIDE, SIDE), 32896, np.uint16))
    assert (decode(served.encode(grey, "PNG"), "image/png") == 128).all()


def bomb(side: int) -> bytes:
    """A PNG of side x side black pixels in a few KB."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(5000)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [7_072, 30_000])
def test_more_than_fifty_megapixels_are_refused_by_the_header(side):
    with pytest.raises(ImageTooLarge, match=f"{side} x {side} pixels"):
        pixels.open_image(bomb(side), "image/png")


PNG = served.encode(photo(), "PNG")
JPEG = served.encode(photo(), "JPEG")
BROKEN = {
    "empty": (b"", "image/png"),
    "text": (b"not an image", "image/png"),
    "JPEG sent as PNG": (JPEG, "image/png"),
    "PNG sent as WebP": (PNG, "image/webp"),
    "GIF sent as PNG": (served.encode(photo(), "GIF"), "image/png"),
    "TIFF sent as JPEG": (served.encode(photo(), "TIFF"), "image/jpeg"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/png"),
    "PNG cut off": (PNG[: len(PNG) // 2], "image/png"),
    "PNG header alone": (PNG[:40], "image/png"),
    "JPEG cut off": (JPEG[: len(JPEG) // 2], "image/jpeg"),
    "WebP cut off": (served.encode(photo(), "WEBP")[:900], "image/webp"),
    "PNG with a damaged middle": (PNG[:200] + bytes(60) + PNG[260:], "image/png"),
}


@pytest.mark.parametrize(("body", "media_type"), BROKEN.values(), ids=BROKEN)
def test_broken_images_are_named(body, media_type):
    with pytest.raises(InvalidImage):
        decode(body, media_type)
