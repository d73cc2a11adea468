"""The generator against the deployed service: nothing is lost, and everything ends as it should."""

import re

import pytest

from scripts.generate.photos import PhotoSource, find_known

pytestmark = pytest.mark.proof

PHOTOS = ("--seed", "7", "--bad", "0.4")
STREAM = ("--rate", "30", "--duration", "1.5")


def test_every_image_of_a_stream_ends_as_it_should(service):
    said = service.script("generate", "stream", *STREAM, *PHOTOS).stdout
    rows = {name: int(count) for name, count in re.findall(r"^(\w+(?: \w+)*) +(\d+)", said, re.M)}
    assert rows["all"] > 30
    assert rows["failed"] > 0
    assert rows["accepted"] + rows["review"] + rows["failed"] == rows["all"]


def test_images_in_bulk_end_as_they_should(service):
    said = service.script("generate", "bulk", "--images", 40, *PHOTOS).stdout
    source = PhotoSource(7, find_known(service.client("s3"), service.bucket, None, None), 0.4)
    bad = sum(source[number].error is not None for number in range(40))
    counts = {status: int(count) for count, status in re.findall(r"(\d+) (\w+)(?=,|$)", said, re.M)}
    assert (counts["submitted"], counts["failed"]) == (40, bad)
    assert counts["accepted"] + counts["review"] == 40 - bad
    assert "photos a second" in said
    assert "$ a photo" in said
