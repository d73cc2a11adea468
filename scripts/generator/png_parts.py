"""PNG files put together by hand, as no encoder would write them."""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"


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
