"""The generator against the deployed service: nothing is lost, and everything ends as it should."""

import json
import re
import sys

import pytest

from scripts.generate import bad_images
from scripts.generate.photos import PhotoSource, find_known

pytestmark = pytest.mark.proof

GENERATE = (sys.executable, "-m", "scripts.generate")
PHOTOS = ("--seed", "7", "--bad", "0.4")
STREAM = ("--rate", "30", "--duration", "1.5")


def test_every_image_of_a_stream_ends_as_it_should(service, tmp_path):
    path = tmp_path / "stream.json"
    options = ("--stage", service.stage, "--json", str(path))
    service.run(*GENERATE, "stream", *STREAM, *PHOTOS, *options)
    records = json.loads(path.read_text())
    assert len(records) > 30
    assert any(record["bad"] for record in records)
    for record in records:
        if record["bad"]:
            assert record["outcome"] == "failed as expected"
            assert record["error"] == bad_images.KINDS[record["bad"]].error
        else:
            assert record["outcome"] in ("accepted", "review")
        assert 0 < record["latency"] < 60


def test_images_in_bulk_end_as_they_should(service):
    options = ("--stage", service.stage, "--images", "40")
    said = service.run(*GENERATE, "bulk", *options, *PHOTOS).stdout
    source = PhotoSource(7, find_known(service.client("s3"), service.bucket, None, None), 0.4)
    bad = sum(source[number].error is not None for number in range(40))
    counts = {status: int(count) for count, status in re.findall(r"(\d+) (\w+)(?=,|$)", said, re.M)}
    assert (counts["submitted"], counts["failed"]) == (40, bad)
    assert counts["accepted"] + counts["review"] == 40 - bad
    assert "photos a second" in said
    assert "$ a photo" in said
