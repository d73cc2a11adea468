"""Pictures for the tests, good and bad, made by Pillow or by hand."""

import struct

from PIL import Image

from scripts.generate.bad_images import encode as encoded

LEFT, RIGHT = (200, 30, 30), (30, 30, 200)


def two_halves(mode: str = "RGB", size: tuple[int, int] = (64, 48)) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", size, LEFT)
    image.paste(RIGHT, (size[0] // 2, 0, *size))
    return image.convert(mode)


def noise(size: int) -> Image.Image:
    return Image.effect_noise((size, size), 80).convert("RGB")


def grey16(level: int, size: tuple[int, int] = (40, 40)) -> bytes:
    """A 16-bit grey PNG, all of one level."""
    image = Image.frombytes("I;16", size, struct.pack("<H", level) * (size[0] * size[1]))
    return encoded(image, "PNG")


def rotated(orientation: int) -> bytes:
    """A JPEG turned as its EXIF `orientation` says; upright, it is `two_halves`."""
    back = {
        3: Image.Transpose.ROTATE_180,
        6: Image.Transpose.ROTATE_90,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(two_halves().transpose(back[orientation]), "JPEG", quality=95, exif=exif)


def odd_exif() -> bytes:
    """A JPEG turned by its EXIF, whose tag of the compression is a fraction, not a short."""
    tags = struct.pack("<HHII", 0x0103, 5, 1, 38) + struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + tags + struct.pack("<III", 0, 7, 2)
    picture = two_halves().transpose(Image.Transpose.ROTATE_90)
    return encoded(picture, "JPEG", quality=95, exif=exif)
