"""Every kind of photo that people send ends accepted, in review or failed."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.drawings import draw


def _photo(vehicle: str = "bicycle", seed: int = 3) -> Image.Image:
    return draw(vehicle, np.random.default_rng(seed))


def _encoded(picture: Image.Image, form: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def _bomb(side: int) -> bytes:
    """A grey PNG of side x side pixels in a few KB: rows of zeros, compressed in one stream."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * (side // 8 + 1) * 64, 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def _sixteen_bit() -> bytes:
    grey = np.asarray(_photo().convert("L")).astype(np.uint16) * 257
    return _encoded(Image.fromarray(grey), "PNG")


def _rotated() -> bytes:
    picture = _photo().transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    return _encoded(picture, "JPEG", exif=exif, quality=95)


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32"><circle r="9"/></svg>'
CLASSIFIED = "classified"

BYTES = {
    "empty.png": (b"", "InvalidImage"),
    "text.png": (b"a letter, not a photo\n" * 10, "InvalidImage"),
    "truncated.png": (_encoded(_photo(), "PNG")[:900], "InvalidImage"),
    "animation.gif": (_encoded(_photo(), "GIF"), "InvalidImage"),
    "scan.tiff": (_encoded(_photo(), "TIFF"), "InvalidImage"),
    "drawing.svg": (SVG, "InvalidImage"),
    "bomb.png": (_bomb(30_000), "ImageTooLarge"),
    "heavy.png": (b"\x89PNG\r\n\x1a\n" + b"\0" * 25_000_000, "ImageTooLarge"),
    "one-pixel.png": (_encoded(Image.new("RGB", (1, 1), "red"), "PNG"), CLASSIFIED),
    "cmyk.jpg": (_encoded(_photo().convert("CMYK"), "JPEG"), CLASSIFIED),
    "sixteen-bit.png": (_sixteen_bit(), CLASSIFIED),
    "palette.png": (_encoded(_photo().convert("P"), "PNG"), CLASSIFIED),
    "rotated.jpg": (_rotated(), CLASSIFIED),
    "photo.webp": (_encoded(_photo(), "WEBP"), CLASSIFIED),
    "transparent.png": (_encoded(_photo().convert("RGBA"), "PNG"), CLASSIFIED),
    "with space.png": (_encoded(_photo(), "PNG"), CLASSIFIED),
    "plus+sign.png": (_encoded(_photo(), "PNG"), CLASSIFIED),
    "per%20cent%.png": (_encoded(_photo(), "PNG"), CLASSIFIED),
    "Fahrräder/自転車 🚲.png": (_encoded(_photo(), "PNG"), CLASSIFIED),
    'quote"and\\backslash.png': (_encoded(_photo(), "PNG"), CLASSIFIED),
}


@pytest.fixture(scope="module")
def results(service) -> dict[str, dict]:
    """One batch that holds every row of the table, a good photo between any two of them."""
    good = service.put("tests/good.png", _encoded(_photo("motorcycle"), "PNG"))
    service.client("s3").create_bucket(Bucket="somebody-elses-photos")
    rows = {name: service.put(f"tests/{name}", body) for name, (body, _) in BYTES.items()}
    rows["absent"] = {"s3_key": "tests/no-such-key.png"}
    rows["foreign"] = service.put("photo.png", _encoded(_photo(), "PNG"), "somebody-elses-photos")

    images = [entry for row in rows.values() for entry in (row, good)]
    execution = service.classify(images, threshold=0.5)
    assert execution["status"] == "SUCCEEDED", execution
    output = execution["output"]
    assert [r["s3_key"] for r in output["results"]] == [i["s3_key"] for i in images]
    assert output["counts"]["submitted"] == len(images)
    assert sum(output["counts"].values()) == 2 * len(images)
    answers = dict(zip(rows, output["results"][::2], strict=True))
    answers["neighbours"] = output["results"][1::2]
    return answers


@pytest.mark.parametrize(
    ("name", "expected"),
    [(name, expected) for name, (_, expected) in BYTES.items()]
    + [("absent", "ImageNotFound"), ("foreign", "BucketNotAllowed")],
)
def test_each_photo_ends_as_it_should(results, name, expected):
    result = results[name]
    if expected == CLASSIFIED:
        assert result["status"] in ("accepted", "review"), result
        assert 0 < result["confidence"] <= 1
    else:
        assert (result["status"], result["error"]) == ("failed", expected)
        assert result["cause"]


def test_neighbours_of_bad_photos_are_untouched(results):
    answers = {(r["status"], r["label"], r["confidence"]) for r in results["neighbours"]}
    assert len(answers) == 1
    assert next(iter(answers))[0] in ("accepted", "review")


def test_a_rotated_jpeg_is_seen_upright(results, service):
    upright = service.put("tests/upright.jpg", _encoded(_photo(), "JPEG", quality=95))
    (answer,) = service.classify([upright], threshold=0.5)["output"]["results"]
    assert answer["label"] == results["rotated.jpg"]["label"]
    assert answer["confidence"] == pytest.approx(results["rotated.jpg"]["confidence"], abs=0.1)
