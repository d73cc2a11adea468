"""The generator against the deployed service: nothing is lost, and everything ends as it should."""

import json
import re
import sys

import pytest

from scripts.generate import bad_images
from scripts.generate.photos import PhotoSource, find_known
from service.storage import listing

pytestmark = pytest.mark.proof

GENERATE = (sys.executable, "-m", "scripts.generate")
PHOTOS = ("--seed", "7", "--bad", "0.4")
STREAM = ("--rate", "30", "--duration", "1.5")


@pytest.fixture(scope="module")
def reports(service, tmp_path_factory) -> dict[str, dict]:
    """The JSON of a stream through either way, by its name; both of the same images."""
    found = {}
    for to in ("incoming", "classify"):
        path = tmp_path_factory.mktemp("stream") / f"{to}.json"
        options = ("--stage", service.stage, "--to", to, "--json", str(path))
        service.run(*GENERATE, "stream", *STREAM, *PHOTOS, *options)
        found[to] = json.loads(path.read_text())
    return found


@pytest.mark.parametrize("to", ["incoming", "classify"])
def test_every_image_of_a_stream_ends_as_it_should(reports, to):
    report = reports[to]
    counts, images = report["counts"], report["images"]
    assert len(images) > 30
    assert sum(counts.values()) == len(images)
    for wrong in ("lost", "not sent", "unexpected"):
        assert counts[wrong] == 0
    assert counts["accepted"] + counts["review"] == sum(image["bad"] is None for image in images)
    bad = [image for image in images if image["bad"]]
    kinds = set(bad_images.KINDS) - ({bad_images.EMPTY} if to == "incoming" else set())
    assert {image["bad"] for image in bad} == kinds
    assert [image["error"] for image in bad] == [
        bad_images.KINDS[image["bad"]].error for image in bad
    ]


@pytest.mark.parametrize("to", ["incoming", "classify"])
def test_the_time_to_an_answer_is_measured_for_every_image(reports, to):
    report = reports[to]
    assert all(0 < image["latency"] < 60 for image in report["images"])
    latency = report["latency"]
    assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"] <= latency["max"]


def test_the_model_knows_what_good_photos_show(reports):
    good = [image for image in reports["classify"]["images"] if image["label"]]
    assert sum(image["said"] == image["label"] for image in good) > 0.8 * len(good)


def test_the_same_seed_sends_the_same_bytes_at_the_same_times(service, reports):
    s3, objects = service.client("s3"), []
    for to, prefix in (("incoming", "incoming/generated/"), ("classify", "generated/")):
        prefix += f"{reports[to]['name']}/"
        found = listing(s3, service.bucket, prefix)
        objects.append({key.removeprefix(prefix): digest for key, (_, digest) in found.items()})
    assert len(objects[0]) == len(objects[1]) == len(reports["classify"]["images"])
    for image in reports["classify"]["images"]:
        if image["label"]:
            name = image["key"].rpartition("/")[2]
            assert objects[0][name] == objects[1][name]
    dues = [[image["due"] for image in report["images"]] for report in reports.values()]
    gaps = [[round(due - each[0], 3) for due in each] for each in dues]
    assert gaps[0] == gaps[1]


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
