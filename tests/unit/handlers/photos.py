"""Pictures for the tests, good and bad, made by Pillow or by hand."""

import io
import struct
import zlib

from PIL import Image

LEFT, RIGHT = (200, 30, 30), (30, 30, 200)


def two_halves(mode: str = "RGB", size: tuple[int, int] = (64, 48)) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", size, LEFT)
    image.paste(RIGHT, (size[0] // 2, 0, *size))
    return image.convert(mode)


def encoded(image: Image.Image, file_format: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


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


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *chunks: bytes) -> bytes:
    """A PNG from its parts; `rows` are raw scanlines, each after a filter byte."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = (
        chunk(b"IHDR", header),
        *chunks,
        chunk(b"IDAT", zlib.compress(rows)),
        chunk(b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb(side: int = 30_000) -> bytes:
    """A PNG of a few KB that says it is `side` x `side` pixels."""
    return png(side, side, 1, 0, bytes(side // 8 * 100))


BAD = {
    "empty": b"",
    "text": b"this is no picture",
    "truncated png": encoded(noise(64), "PNG")[:-3000],
    "truncated jpeg": encoded(noise(64), "JPEG")[:-800],
    "truncated webp": encoded(noise(64), "WEBP")[:-400],
    "gif": encoded(two_halves("P"), "GIF"),
    "tiff": encoded(two_halves(), "TIFF"),
    "bmp": encoded(two_halves(), "BMP"),
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>',
    "png signature alone": b"\x89PNG\r\n\x1a\n",
    "no pixels": png(0, 0, 8, 2, b""),
    "damaged pixels": png(8, 8, 8, 2, b"").replace(zlib.compress(b""), b"no zlib!"),
    "huge text chunk": png(
        8, 8, 8, 2, bytes(200), chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(90_000_000), 1))
    ),
}
