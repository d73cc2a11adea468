"""Files that browsers show although something is wrong with them: read as if nothing were."""

import io
import struct
import zlib

import pytest
from PIL import Image

from handlers.errors import InvalidImage
from handlers.photo import to_model_input
from scripts.generate import bad_images
from scripts.generate.bad_images import SIGNATURE, chunk
from tests.unit.handlers import photos
from tests.unit.handlers.photos import encoded

SIDE = 160
NOISE = Image.effect_noise((SIDE, SIDE), 60)
PHOTO = Image.merge("RGB", (NOISE, NOISE.rotate(90), photos.two_halves("L", (SIDE, SIDE))))
OPAQUE = PHOTO.copy()
OPAQUE.putalpha(NOISE)


def pixels(data: bytes) -> bytes:
    """What the model gets of a file, pixel by pixel."""
    return Image.open(io.BytesIO(to_model_input(data, 32, 10**6))).tobytes()


def split(png: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks of a PNG: their kinds and bodies."""
    chunks, place = [], len(SIGNATURE)
    while place < len(png):
        length, kind = struct.unpack_from(">I4s", png, place)
        chunks.append((kind, png[place + 8 : place + 8 + length]))
        place += 12 + length
    return chunks


def damage(part: bytes) -> bytes:
    """A chunk whose checksum is wrong."""
    return part[:-1] + bytes([part[-1] ^ 1])


PNG = encoded(PHOTO, "PNG")
(_, HEADER), *_ = split(PNG)
IDAT = b"".join(body for kind, body in split(PNG) if kind == b"IDAT")
END = chunk(b"IEND", b"")


def png(*chunks: bytes, idat: bytes = IDAT, after: bytes = b"", header: bytes = HEADER) -> bytes:
    """The PNG with more chunks before its pixels, or behind them, or with others."""
    parts = (chunk(b"IHDR", header), *chunks, chunk(b"IDAT", idat), after, END)
    return SIGNATURE + b"".join(parts)


def text(kind: bytes, size: int) -> bytes:
    """A chunk of compressed text that inflates to so many bytes."""
    start = {b"zTXt": b"a\0\0", b"iTXt": b"a\0\1\0\0\0", b"iCCP": b"a\0\0"}[kind]
    compressor = zlib.compressobj(1)  # in pieces, as tests/properties/test_memory.py sees the whole
    pieces = [compressor.compress(bytes(100_000)) for _ in range(size // 100_000)]
    return chunk(kind, start + b"".join(pieces) + compressor.flush())


ANCILLARY = {
    b"tEXt": b"a\0b",
    b"zTXt": b"a\0\0" + zlib.compress(b"b"),
    b"iCCP": b"a\0\0" + zlib.compress(b"no profile"),
    b"gAMA": struct.pack(">I", 45455),
    b"cHRM": bytes(32),
    b"pHYs": bytes(9),
    b"tIME": bytes(7),
    b"tRNS": bytes(6),
    b"eXIf": b"MM\0*",
    b"prIv": b"",
}
PNGS = {
    **{f"{kind.decode()}: checksum": png(damage(chunk(kind, b))) for kind, b in ANCILLARY.items()},
    "checksum behind the pixels": png(after=damage(chunk(b"tEXt", b"a\0b"))),
    "checksum of the pixels": png(idat=damage(IDAT)),
    "no checksum of the pixels": png(idat=IDAT[:-4]),
    "no end": PNG[: -len(END)],
    "no end and no checksums": PNG[: -len(END) - 8],
    "bytes behind the end": PNG + b"garbage" * 100,
    **{f"{kind.decode()} of 1.3 MB": png(text(kind, 1_300_000)) for kind in (b"zTXt", b"iTXt")},
    "text behind the pixels": png(after=text(b"zTXt", 1_300_000)),
    "many texts": png(*[text(b"zTXt", 900_000)] * 80),
    "a profile of 1.3 MB": png(text(b"iCCP", 1_300_000)),
    "an empty profile": png(chunk(b"iCCP", b"")),
    "a profile not inflated by zlib": png(chunk(b"iCCP", b"a\0\7" + bytes(99))),
    "EXIF that is none": png(chunk(b"eXIf", b"garbage")),
    "chunks too short": png(*[chunk(kind, bytes(2)) for kind in (b"pHYs", b"gAMA", b"tRNS")]),
    "a transparent colour too long": png(chunk(b"tRNS", bytes(9))),
    "a chunk without a name": png(chunk(b"a\1\2\3", b"abc")),
}


@pytest.mark.parametrize("data", PNGS.values(), ids=PNGS)
def test_a_png_is_read_whatever_is_wrong_beside_its_pixels(data):
    assert pixels(data) == pixels(PNG)


def test_transparency_of_more_colours_than_the_palette_has_is_passed_over():
    palette = encoded(PHOTO.quantize(16), "PNG")
    chunks = [(kind, body) for kind, body in split(palette) if kind != b"tRNS"]
    chunks.insert(2, (b"tRNS", bytes(256)))
    data = SIGNATURE + b"".join(chunk(*part) for part in chunks)
    assert pixels(data) == pixels(palette)


def depth_of(depth: int, colour: int, row: bytes) -> bytes:
    """A PNG of 8 x 8 pixels, each row the same."""
    return bad_images.png(8, 8, depth, colour, (b"\0" + row) * 8)


# Adam7: width and height of its seven pictures
PASSES = ((1, 1), (1, 1), (2, 1), (2, 2), (4, 2), (4, 4), (8, 4))
INTERLACED = [(b"\0" + b"\x0a\x14\x1e" * width) * height for width, height in PASSES]
INTERLACED_HEADER = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 1)
KINDS_OF_PNG = {
    "grey, 1 bit": (depth_of(1, 0, b"\xff"), (255, 255, 255)),
    "grey, 2 bits": (depth_of(2, 0, b"\x55\x55"), (85, 85, 85)),
    "grey, 4 bits": (depth_of(4, 0, b"\x33" * 4), (51, 51, 51)),
    "grey with alpha, 16 bits": (depth_of(16, 4, b"\x64\x64\xff\xff" * 8), (100, 100, 100)),
    "RGB, 16 bits": (depth_of(16, 2, b"\x0a\x0a\x14\x14\x1e\x1e" * 8), (10, 20, 30)),
    "RGBA, 16 bits": (depth_of(16, 6, b"\x0a\x0a\x14\x14\x1e\x1e\0\0" * 8), (255, 255, 255)),
    "interlaced": (
        png(idat=zlib.compress(b"".join(INTERLACED)), header=INTERLACED_HEADER),
        (10, 20, 30),
    ),
}


@pytest.mark.parametrize(("data", "colour"), KINDS_OF_PNG.values(), ids=KINDS_OF_PNG)
def test_every_kind_of_png_is_read(data, colour):
    assert pixels(data) == bytes(colour) * 32 * 32


JPEGS = {
    "baseline": encoded(PHOTO, "JPEG"),
    "progressive": encoded(PHOTO, "JPEG", progressive=True),
    "with restarts": encoded(PHOTO, "JPEG", restart_marker_blocks=5),
    "grey": encoded(NOISE, "JPEG"),
    "CMYK": encoded(PHOTO.convert("CMYK"), "JPEG"),
}


def with_segment(marker: int, body: bytes) -> bytes:
    """The beginning of a JPEG and a segment."""
    return b"\xff\xd8\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


JPEG_FAULTS = {
    "no end": lambda jpeg: jpeg[:-2],
    "half an end": lambda jpeg: jpeg[:-1],
    "no end, filled up": lambda jpeg: jpeg[:-2] + b"\xff" * 9,
    "zeros for an end": lambda jpeg: jpeg[:-2] + bytes(99),
    "bytes behind the end": lambda jpeg: jpeg + b"garbage" * 100,
    "bytes between its segments": lambda jpeg: with_segment(0xFE, b"hello") + b"abc" + jpeg[2:],
    "JFIF cut off": lambda jpeg: with_segment(0xE0, b"JFIF\0") + jpeg[2:],
    "Adobe's segment cut off": lambda jpeg: with_segment(0xEE, b"Adobe") + jpeg[2:],
    "a profile cut off": lambda jpeg: with_segment(0xE2, b"ICC_PROFILE\0") + jpeg[2:],
    "a profile that is none": lambda jpeg: with_segment(0xE2, b"ICC_PROFILE\0\1\1ab") + jpeg[2:],
    "pictures named that are not there": lambda jpeg: with_segment(0xE2, b"MPF\0abcd") + jpeg[2:],
    "EXIF that is none": lambda jpeg: with_segment(0xE1, b"Exif\0\0garbage") + jpeg[2:],
    "a segment of 0 bytes": lambda jpeg: b"\xff\xd8\xff\xe5\0\0" + jpeg[2:],
}


@pytest.mark.parametrize("fault", JPEG_FAULTS.values(), ids=JPEG_FAULTS)
@pytest.mark.parametrize("jpeg", JPEGS.values(), ids=JPEGS)
def test_a_jpeg_is_read_whatever_is_wrong_beside_its_pixels(jpeg, fault):
    assert pixels(fault(jpeg)) == pixels(jpeg)


def cut(jpeg: bytes, share: float) -> bytes:
    """The JPEG with so much of its scans."""
    scan = jpeg.index(b"\xff\xda")
    return jpeg[: scan + int(share * (len(jpeg) - scan))]


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.8])
@pytest.mark.parametrize("kind", ["baseline", "with restarts", "grey", "CMYK"])
def test_a_jpeg_of_which_more_than_its_last_rows_is_missing_is_refused(kind, share):
    jpeg = cut(JPEGS[kind], share)
    for end in (b"", bytes(len(JPEGS[kind]) - len(jpeg))):
        with pytest.raises(InvalidImage, match="the photo ends early"):
            pixels(jpeg + end)
    with pytest.raises(InvalidImage, match=r"the photo ends early|broken data stream"):
        pixels(jpeg + b"\xff\xd9")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5])
def test_a_progressive_jpeg_without_some_of_its_scans_is_refused(share):
    with pytest.raises(InvalidImage, match="the photo ends early"):
        pixels(cut(JPEGS["progressive"], share))


def test_a_progressive_jpeg_is_read_that_lacks_the_last_bits_of_its_coefficients():
    seen, whole = pixels(cut(JPEGS["progressive"], 0.8)), pixels(JPEGS["progressive"])
    assert max(abs(a - b) for a, b in zip(seen, whole, strict=True)) < 8


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_of_one_colour_is_not_missing_its_rows(mode):
    plain = encoded(Image.new(mode, (SIDE, SIDE)), "JPEG")
    assert pixels(plain) == pixels(plain[:-2])
    assert len(set(pixels(plain))) == 1


@pytest.mark.parametrize("kind", ["baseline", "with restarts", "grey", "CMYK"])
def test_a_jpeg_whose_last_bytes_are_missing_is_read_as_far_as_it_is_there(kind):
    seen, whole = pixels(JPEGS[kind][:-20]), pixels(JPEGS[kind])
    assert seen[: 32 * 3 * 25] == whole[: 32 * 3 * 25]
    assert seen != whole


def test_the_first_picture_of_several_is_seen():
    other = PHOTO.rotate(90)
    more = {"save_all": True, "append_images": [other]}
    assert pixels(encoded(PHOTO, "MPO", **more)) == pixels(encoded(PHOTO, "JPEG"))
    assert pixels(encoded(PHOTO, "PNG", **more)) == pixels(PNG)
    webp = encoded(PHOTO, "WEBP", lossless=True)
    assert pixels(encoded(PHOTO, "WEBP", lossless=True, **more)) == pixels(webp)


WEBPS = {
    "lossy": encoded(PHOTO, "WEBP"),
    "lossless": encoded(PHOTO, "WEBP", lossless=True),
    "transparent": encoded(OPAQUE, "WEBP"),
    "with EXIF": encoded(PHOTO, "WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"),
    "animated": encoded(PHOTO, "WEBP", save_all=True, append_images=[PHOTO.rotate(90)]),
}


def resized(webp: bytes, size: int) -> bytes:
    return webp[:4] + struct.pack("<I", size) + webp[8:]


WEBP_FAULTS = {
    **{
        f"size {more:+}": lambda webp, more=more: resized(webp, len(webp) - 8 + more)
        for more in (-2, -1, 1, 2, 1000)
    },
    "size 0": lambda webp: resized(webp, 0),
    "the largest size": lambda webp: resized(webp, 2**32 - 1),
    "size of a half": lambda webp: resized(webp, len(webp) // 2),
    "bytes behind the end": lambda webp: webp + b"garbage!" * 9,
    "bytes behind the end, counted": lambda webp: resized(webp + b"garbage!", len(webp)),
    "half a chunk of text at the end": lambda webp: webp + b"XMP " + struct.pack("<I", 999) + b"<x",
}


@pytest.mark.parametrize("fault", WEBP_FAULTS.values(), ids=WEBP_FAULTS)
@pytest.mark.parametrize("webp", WEBPS.values(), ids=WEBPS)
def test_a_webp_is_read_whatever_size_it_says(webp, fault):
    assert pixels(fault(webp)) == pixels(webp)


NOT_WHOLE = {
    "PNG without its header": SIGNATURE + chunk(b"IDAT", IDAT) + END,
    "PNG with a damaged header": PNG[:20] + b"\1" + PNG[21:],
    "PNG without pixels": SIGNATURE + chunk(b"IHDR", HEADER) + END,
    "PNG without its last row": PNG[:-2000],
    "PNG, damaged": png(idat=IDAT[:5000] + bytes(9) + IDAT[5009:]),
    "JPEG without pixels": JPEGS["baseline"][:400],
    "WebP, a byte missing": WEBPS["lossy"][:-1],
    "WebP, half of it": WEBPS["lossless"][: len(WEBPS["lossless"]) // 2],
    "WebP without pixels": WEBPS["lossy"][:12],
}


@pytest.mark.parametrize("data", NOT_WHOLE.values(), ids=NOT_WHOLE)
def test_what_has_not_all_of_its_pixels_is_refused(data):
    with pytest.raises(InvalidImage, match=r"damaged|ends early"):
        pixels(data)
