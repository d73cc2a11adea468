"""What is wrong with a batch ends it as InvalidBatch; what is wrong with an entry, that alone."""

import json

import pytest

from handlers.outcomes import tally

PHOTO = {"s3_key": "tests/good.png"}


@pytest.mark.parametrize(
    ("batch", "said"),
    [
        ({"images": [PHOTO] * 501}, "500"),
        ({"images": [PHOTO], "treshold": 0.5}, "treshold"),
        ([PHOTO], "object"),
    ],
)
def test_a_malformed_batch_is_named_and_explained(service, batch, said):
    execution = service.wait(service.start(batch))
    assert (execution["status"], execution["error"]) == ("FAILED", "InvalidBatch")
    assert said in execution["cause"]


def test_a_bad_entry_fails_alone_whatever_it_is(service, photo):
    bad = [None, 7, "a.png", [], [[photo]], {}, {"s3_key": 7}, {**photo, "s3_bucket": None}]
    output = service.classify([photo, *bad, photo], threshold=0)["output"]
    assert output["counts"] == {"submitted": 10, **tally(["accepted"] * 2 + ["failed"] * 8)}
    first, *failed, last = output["results"]
    assert first == last
    assert {result["error"] for result in failed} == {"InvalidInput"}
    assert [result["s3_key"] for result in failed] == [None] * 7 + [photo["s3_key"]]


def test_a_batch_in_which_every_image_failed_fails_with_its_counts(service):
    absent = [{"s3_key": f"tests/absent-{n}.png"} for n in range(3)]
    execution = service.classify(absent)
    assert (execution["status"], execution["error"]) == ("FAILED", "BatchFailed")
    cause = json.loads(execution["cause"])
    assert cause["counts"] == {"submitted": 3, **tally(["failed"] * 3)}
