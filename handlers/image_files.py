"""Files of photos, without what their pixels do not need: text, thumbnails, damaged metadata.

Browsers pass over damage there too, and text that inflates to gigabytes is never read. The formats:
PNG (https://www.w3.org/TR/png-3/), JPEG (https://www.w3.org/Graphics/JPEG/itu-t81.pdf) and WebP
(https://developers.google.com/speed/webp/docs/riff_container).
"""

import struct
import zlib
from typing import NamedTuple

from handlers.errors import InvalidImage

# A profile of the colours of a photo has 500 bytes to 3 MB; a larger one is not looked at.
MAX_PROFILE_BYTES = 4 * 1024**2

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_CHUNK = struct.Struct(">I4s")  # before its body
PNG_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"iCCP"}
PNG_CHECKSUM_BYTES = 4  # with which the pixels end

JPEG_SCAN, JPEG_END = b"\xff\xda", b"\xff\xd9"
# The segments that are kept of those for applications, and how many bytes the shortest has.
JPEG_KEPT = {0xE0: (b"JFIF\0", 14), 0xE1: (b"Exif\0\0", 6), 0xEE: (b"Adobe", 12)}
JPEG_PROFILE = 0xE2, b"ICC_PROFILE\0"

WEBP_CHUNK = struct.Struct("<4sI")
WEBP_PIXELS = {b"VP8 ", b"VP8L", b"ANMF"}
WEBP_KEPT = {b"VP8X", b"ALPH", b"ANIM", b"EXIF", *WEBP_PIXELS}


class Stripped(NamedTuple):
    """What is left of a file, for Pillow to read.

    profile: the ICC profile of the colours. may_lack_rows: whether it is a JPEG that had no end.
    """

    data: bytes
    profile: bytes | None = None
    may_lack_rows: bool = False


def strip_png(data: bytes) -> Stripped:
    """The PNG without chunks that do not matter or that are damaged, up to its pixels' checksum."""
    kept: dict[bytes, bytes] = {}
    pixels = []
    place = len(PNG_SIGNATURE)
    while place + PNG_CHUNK.size <= len(data):
        length, kind = PNG_CHUNK.unpack_from(data, place)
        start = place + PNG_CHUNK.size
        place = start + length + 4
        if kind == b"IEND":
            break
        if kind == b"IDAT":
            pixels.append(data[start : start + length])
        elif kind in PNG_KEPT and kind not in kept:
            body = data[start : start + length]
            if data[place - 4 : place] == zlib.crc32(kind + body).to_bytes(4):
                kept[kind] = body
    profile = _inflate_profile(kept.pop(b"iCCP", b""))
    if not _is_transparency(kept):
        kept.pop(b"tRNS", None)
    parts = [PNG_SIGNATURE]
    for kind, body in kept.items():
        crc = zlib.crc32(kind + body).to_bytes(4)
        parts += PNG_CHUNK.pack(len(body), kind), body, crc
    size = sum(map(len, pixels))
    return Stripped(b"".join([*parts, PNG_CHUNK.pack(size, b"IDAT"), *pixels]), profile)


def _inflate_profile(body: bytes) -> bytes | None:
    _, _, compressed = body.partition(b"\0")
    try:
        return zlib.decompressobj().decompress(compressed[1:], MAX_PROFILE_BYTES + 1) or None
    except zlib.error:
        return None


def _is_transparency(chunks: dict[bytes, bytes]) -> bool:
    """Whether tRNS is as long as the kind of colour has it: a key, or alphas of the palette."""
    length, colour = len(chunks.get(b"tRNS", b"")), chunks.get(b"IHDR", b"")[9:10]
    if colour == b"\3":
        return length <= len(chunks.get(b"PLTE", b"")) // 3
    return length == {b"\0": 2, b"\2": 6}.get(colour)


def strip_jpeg(data: bytes) -> Stripped:
    """The JPEG without segments that do not matter, as far as they can be followed.

    Raises InvalidImage if whole scans of a progressive JPEG are missing.
    """
    parts, profile, place = [data[:2]], [], 2
    while (found := data.find(b"\xff", place)) >= 0 and found + 4 <= len(data):
        place, marker = found, data[found + 1]
        if marker in (0x00, 0xFF):  # no marker, or one that fills up
            place += 1
            continue
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4])
        body = data[place + 4 : end]
        if marker < 0xC0 or 0xD0 <= marker <= 0xDA or end > len(data):
            break
        start, least = JPEG_KEPT.get(marker, (b"", 0))
        if (marker, body[:12]) == JPEG_PROFILE:
            profile.append(body)
        elif marker < 0xE0 or (start and body.startswith(start) and len(body) >= least):
            parts.append(data[place:end])
        place = end
    pixels = data[place:]
    # By their numbers, each of one byte, whichever way they were written.
    joined = b"".join(body[14:] for body in sorted(profile, key=lambda body: body[12:13]))
    may_lack_rows = False
    if JPEG_END not in pixels:
        pixels = pixels.rstrip(b"\0\xff")  # half a marker, or room for what did not come
        is_last, is_refinement = _read_scan(pixels[pixels.rfind(JPEG_SCAN) :])
        if not is_last:
            raise InvalidImage("the photo ends early")
        may_lack_rows = not is_refinement
        pixels += JPEG_END
    return Stripped(b"".join([*parts, pixels]), joined or None, may_lack_rows)


def _read_scan(scan: bytes) -> tuple[bool, bool]:
    """Whether a scan reaches the 64th coefficient and the last bit, and has that bit alone."""
    end = 2 + int.from_bytes(scan[2:4])
    if end > len(scan) or end < 4:
        return False, False
    last, bits = scan[end - 2 : end]
    return last == 63 and bits & 15 == 0, bits >> 4 == 1


def strip_webp(data: bytes) -> Stripped:
    """The WebP without chunks that do not matter or are not whole; its size is what is there.

    Raises InvalidImage if there are no pixels.
    """
    parts, profile, place, has_pixels = [b"WEBP"], None, 12, False
    while place + WEBP_CHUNK.size <= len(data):
        kind, length = WEBP_CHUNK.unpack_from(data, place)
        start = place + WEBP_CHUNK.size
        body = data[start : start + length]
        if len(body) < length:
            break
        if kind == b"ICCP":
            profile = body
        elif kind in WEBP_KEPT:
            parts += data[place:start], body, bytes(length % 2)
            has_pixels = has_pixels or kind in WEBP_PIXELS
        place = start + length + length % 2
    if not has_pixels:
        raise InvalidImage("the photo ends early")
    payload = b"".join(parts)
    return Stripped(WEBP_CHUNK.pack(b"RIFF", len(payload)) + payload, profile)
