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


@pytest.mark.parametrize("to", ["incoming", "classify"])
def test_every_image_of_a_stream_ends_as_it_should(service, tmp_path, to):
    path = tmp_path / "stream.json"
    options = ("--stage", service.stage, "--to", to, "--json", str(path))
    service.run(*GENERATE, "stream", *STREAM, *PHOTOS, *options)
    report = json.loads(path.read_text())
    counts, images = report["counts"], report["images"]
    assert len(images) > 30
    assert sum(counts.values()) == len(images)
    for wrong in ("lost", "not sent", "unexpected"):
        assert counts[wrong] == 0
    assert counts["accepted"] + counts["review"] == sum(image["bad"] is None for image in images)
    bad = [image for image in images if image["bad"]]
    kinds = set(bad_images.KINDS) - ({bad_images.EMPTY} if to == "incoming" else set())
    assert {image["bad"] for image in bad} == kinds
    for image in bad:
        assert image["error"] == bad_images.KINDS[image["bad"]].error
    assert all(0 < image["latency"] < 60 for image in images)


def test_images_in_bulk_end_as_they_should_and_are_sent_once(service):
    def run() -> str:
        options = ("--stage", service.stage, "--images", "40")
        return service.run(*GENERATE, "bulk", *options, *PHOTOS).stdout

    first, second = run(), run()
    source = PhotoSource(7, find_known(service.client("s3"), service.bucket, None, None), 0.4)
    bad = sum(source[number].error is not None for number in range(40))
    assert "40 sent, 0 there already" in first
    assert "0 sent, 40 there already" in second
    for said in (first, second):
        counts = {
            status: int(count) for count, status in re.findall(r"(\d+) (\w+)(?=,|$)", said, re.M)
        }
        assert (counts["submitted"], counts["failed"]) == (40, bad)
        assert counts["accepted"] + counts["review"] == 40 - bad
        assert "photos a second" in said
        assert "$ a photo" in said
    names = [re.search(r"Run +(\S+)", said)[1] for said in (first, second)]
    assert names[0] != names[1]
