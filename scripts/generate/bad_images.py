"""Files that people send and that are no photos: every kind, and the error of each."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import NamedTuple

from PIL import Image

from service import config

SIGNATURE = b"\x89PNG\r\n\x1a\n"

INVALID, TOO_LARGE = "InvalidImage", "ImageTooLarge"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32"><circle r="9"/></svg>'
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500)
BOMB_SIDE = 30_000


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *chunks: bytes) -> bytes:
    """Return a PNG whose header says `width` x `height`.

    rows: raw scanlines, each after a filter byte; they may be fewer than the header says.
    """
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"".join((SIGNATURE, header, *chunks, pixels, chunk(b"IEND", b"")))


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk of a PNG: its length, kind, body and checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb(side: int) -> bytes:
    """Return a PNG of a few KB whose header says `side` x `side` pixels."""
    return png(side, side, 1, 0, bytes(side // 8 * 100))


def encode(photo: Image.Image, file_format: str, **options) -> bytes:
    """Return the photo as a file of a format that Pillow writes."""
    file = io.BytesIO()
    photo.save(file, file_format, **options)
    return file.getvalue()


class Kind(NamedTuple):
    """A kind of bad image. error: the name of the service's answer; make: photo to bytes."""

    error: str
    make: Callable[[Image.Image], bytes]


def _half(file_format: str) -> Callable[[Image.Image], bytes]:
    def make(photo: Image.Image) -> bytes:
        whole = encode(photo, file_format)
        return whole[: len(whole) // 2]

    return make


def _heavy(_) -> bytes:
    return SIGNATURE.ljust(config.load()["image"]["max_bytes"] + 1, b"\0")


EMPTY = "empty"  # below incoming/ an empty file is a folder, and starts no execution
KINDS = {
    EMPTY: Kind(INVALID, lambda _: b""),
    "text": Kind(INVALID, lambda _: b"a letter, not a photo\n" * 10),
    "truncated-png": Kind(INVALID, _half("PNG")),
    "truncated-jpeg": Kind(INVALID, _half("JPEG")),
    "truncated-webp": Kind(INVALID, _half("WEBP")),
    "gif": Kind(INVALID, lambda photo: encode(photo, "GIF")),
    "tiff": Kind(INVALID, lambda photo: encode(photo, "TIFF")),
    "bmp": Kind(INVALID, lambda photo: encode(photo, "BMP")),
    "avif": Kind(INVALID, lambda photo: encode(photo, "AVIF")),
    "heic": Kind(INVALID, lambda _: HEIC),
    "svg": Kind(INVALID, lambda _: SVG),
    "signature-alone": Kind(INVALID, lambda _: SIGNATURE),
    "no-pixels": Kind(INVALID, lambda _: png(0, 0, 8, 2, b"")),
    "damaged-pixels": Kind(
        INVALID, lambda _: png(8, 8, 8, 2, b"").replace(zlib.compress(b""), b"no zlib!")
    ),
    "bomb": Kind(TOO_LARGE, lambda _: bomb(BOMB_SIDE)),
    "heavy": Kind(TOO_LARGE, _heavy),
}
