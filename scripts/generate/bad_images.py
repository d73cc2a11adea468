"""Files that people send and that are no photos: every kind, and the error that it ends with."""

import io
import struct
import zlib
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from PIL import Image

from service import config

SIGNATURE = b"\x89PNG\r\n\x1a\n"

INVALID, TOO_LARGE = "InvalidImage", "ImageTooLarge"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32"><circle r="9"/></svg>'
BOMB_SIDE = 30_000


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *chunks: bytes) -> bytes:
    """Return a PNG that says it is `width` x `height`; `rows` are raw scanlines, each after a
    filter byte, and need not be as many."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = (
        chunk(b"IHDR", header),
        *chunks,
        chunk(b"IDAT", zlib.compress(rows)),
        chunk(b"IEND", b""),
    )
    return SIGNATURE + b"".join(parts)


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk of a PNG: its length, kind, body and checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb(side: int) -> bytes:
    """Return a PNG of a few KB that says it is `side` x `side` pixels."""
    return png(side, side, 1, 0, bytes(side // 8 * 100))


def encode(photo: Image.Image, file_format: str, **options) -> bytes:
    """Encode the photo as a file of any format that Pillow writes."""
    file = io.BytesIO()
    photo.save(file, file_format, **options)
    return file.getvalue()


class Kind(NamedTuple):
    """A kind of bad image: `make` gives its bytes, of a photo where it needs one.

    error: the name of the error that the service must answer with.
    """

    error: str
    make: Callable[[Image.Image], bytes]


def _half(file_format: str) -> Callable[[Image.Image], bytes]:
    def make(photo: Image.Image) -> bytes:
        whole = encode(photo, file_format)
        return whole[: len(whole) // 2]

    return make


def _always(body: bytes) -> Callable[[Image.Image], bytes]:
    return lambda _: body


@cache
def _huge_text() -> bytes:
    text = zlib.compress(bytes(90_000_000), 1)
    return png(8, 8, 8, 2, bytes(200), chunk(b"zTXt", b"a\0\0" + text))


@cache
def _heavy() -> bytes:
    return SIGNATURE.ljust(config.load()["image"]["max_bytes"] + 1, b"\0")


EMPTY = "empty"  # below incoming/ that is a folder, which starts nothing
KINDS = {
    EMPTY: Kind(INVALID, _always(b"")),
    "text": Kind(INVALID, _always(b"a letter, not a photo\n" * 10)),
    "truncated-png": Kind(INVALID, _half("PNG")),
    "truncated-jpeg": Kind(INVALID, _half("JPEG")),
    "truncated-webp": Kind(INVALID, _half("WEBP")),
    "gif": Kind(INVALID, lambda photo: encode(photo, "GIF")),
    "tiff": Kind(INVALID, lambda photo: encode(photo, "TIFF")),
    "bmp": Kind(INVALID, lambda photo: encode(photo, "BMP")),
    "svg": Kind(INVALID, _always(SVG)),
    "signature-alone": Kind(INVALID, _always(SIGNATURE)),
    "no-pixels": Kind(INVALID, _always(png(0, 0, 8, 2, b""))),
    "damaged-pixels": Kind(
        INVALID, _always(png(8, 8, 8, 2, b"").replace(zlib.compress(b""), b"no zlib!"))
    ),
    "huge-text-chunk": Kind(INVALID, lambda _: _huge_text()),
    "bomb": Kind(TOO_LARGE, lambda _: bomb(BOMB_SIDE)),
    "heavy": Kind(TOO_LARGE, lambda _: _heavy()),
}
