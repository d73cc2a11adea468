"""Every kind of photo that people send ends accepted, in review or failed."""

import zlib

import numpy as np
import pytest
from PIL import Image

from scripts.generate import bad_images
from scripts.generate.bad_images import chunk, encode, png
from tests.drawings import draw


def _photo(vehicle: str = "bicycle", seed: int = 3) -> Image.Image:
    return draw(vehicle, np.random.default_rng(seed))


CLASSIFIED = "classified"
TEXT = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(90_000_000), 1))

BYTES = {
    **{f"{name}.png": (kind.make(_photo()), kind.error) for name, kind in bad_images.KINDS.items()},
    "one-pixel.png": (encode(Image.new("RGB", (1, 1), "red"), "PNG"), CLASSIFIED),
    "cmyk.jpg": (encode(_photo().convert("CMYK"), "JPEG"), CLASSIFIED),
    "much text.png": (png(8, 8, 8, 2, bytes(200), TEXT), CLASSIFIED),
    "photo.webp": (encode(_photo(), "WEBP"), CLASSIFIED),
    "with space.png": (encode(_photo(), "PNG"), CLASSIFIED),
    "plus+sign.png": (encode(_photo(), "PNG"), CLASSIFIED),
    "per%20cent%.png": (encode(_photo(), "PNG"), CLASSIFIED),
    "Fahrräder/自転車 🚲.png": (encode(_photo(), "PNG"), CLASSIFIED),
    'quote"and\\backslash.png': (encode(_photo(), "PNG"), CLASSIFIED),
}


@pytest.fixture(scope="module")
def results(service) -> dict[str, dict]:
    """One batch that holds every row of the table, a good photo between any two of them."""
    good = service.put("tests/good.png", encode(_photo("motorcycle"), "PNG"))
    service.client("s3").create_bucket(Bucket="somebody-elses-photos")
    rows = {name: service.put(f"tests/{name}", body) for name, (body, _) in BYTES.items()}
    rows["absent"] = {"s3_key": "tests/no-such-key.png"}
    rows["foreign"] = service.put("photo.png", encode(_photo(), "PNG"), "somebody-elses-photos")

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
