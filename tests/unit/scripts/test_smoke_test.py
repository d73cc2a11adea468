import json

import pytest

from scripts.smoke_test import Photo, choose_photos, classify, find_wrong
from service import datasets
from tests.unit.scripts.bulk.memory_states import MACHINE, MemoryStates
from tests.unit.service.memory_s3 import MemoryS3

ANSWERED = ("accepted", "review")
BAD = Photo("text file", "generated/smoke-test/text.png", ("InvalidImage",))
PHOTO = Photo("bicycle", "datasets/d/images/test/bicycle/1.png", ANSWERED)


def result(photo: Photo, status: str, **more) -> dict:
    return {"s3_bucket": "b", "s3_key": photo.key, "status": status, **more}


REVIEW = result(PHOTO, "review", label="bicycle", confidence=0.5)
ACCEPTED = result(PHOTO, "accepted", label="motorcycle", confidence=0.99)
REFUSED = result(BAD, "failed", error="InvalidImage", cause="no photo")


def succeeded(*results: dict, **more) -> dict:
    return {"status": "SUCCEEDED", "output": json.dumps({"results": results, **more})}


def all_failed(**errors: int) -> dict:
    cause = {"errors": errors, "first": {"cause": "the first's cause"}}
    return {"status": "FAILED", "error": "BatchFailed", "cause": json.dumps(cause)}


@pytest.fixture
def s3():
    """A bucket with a dataset of two classes."""
    s3 = MemoryS3()
    description = {"name": "d", "classes": ["bicycle", "tricycle"], "image_size": 32}
    s3.put_object("b", "datasets/d/dataset.json", json.dumps(description).encode(), "")
    for key in ("test/bicycle/1.png", "test/bicycle/2.png", "train/tricycle/1.png"):
        s3.put_object("b", f"datasets/d/images/{key}", b"", "")
    return s3


def test_a_test_photo_of_each_class_is_sent_and_a_bad_one(s3):
    assert choose_photos(s3, "b", has_endpoint=True) == [PHOTO, BAD]
    assert s3.objects[BAD.key].startswith(b"a letter")
    assert datasets.find_test_photos(s3, "b", 32) == ("d", {"bicycle": PHOTO.key})


def test_without_an_endpoint_photos_must_fail_by_that_name(s3):
    photos = choose_photos(s3, "b", has_endpoint=False)
    assert photos == [Photo("bicycle", PHOTO.key, ("EndpointNotFound",)), BAD]
    assert find_wrong(photos, all_failed(EndpointNotFound=1, InvalidImage=1)) == []
    assert len(find_wrong(photos, all_failed(RuntimeError=1, InvalidImage=1))) == 1


def test_without_a_dataset_a_grey_picture_is_sent(capsys):
    s3 = MemoryS3()
    [grey, bad] = choose_photos(s3, "b", has_endpoint=True)
    assert (grey.endings, bad) == (ANSWERED, BAD)
    assert s3.objects[grey.key].startswith(b"\x89PNG")
    assert "Not checked: photos of each class" in capsys.readouterr().err


def test_photos_may_end_accepted_or_in_review_with_any_label(capsys):
    for answer in (ACCEPTED, REVIEW):
        assert find_wrong([PHOTO, BAD], succeeded(answer, REFUSED)) == []
        assert answer["label"] in capsys.readouterr().out


@pytest.mark.parametrize(
    ("execution", "words"),
    [
        (
            succeeded(result(PHOTO, "failed", error="RuntimeError", cause="boom"), REFUSED),
            f"{PHOTO.key} ended as RuntimeError (boom), not as accepted or review",
        ),
        (
            succeeded(ACCEPTED, result(BAD, "review", label="bicycle", confidence=0.1)),
            f"{BAD.key} ended as review (no cause), not as InvalidImage",
        ),
        (succeeded(ACCEPTED, REFUSED, not_published="AuthorizationError"), "AuthorizationError"),
        (all_failed(RuntimeError=2), "the first's cause"),
        ({"status": "TIMED_OUT"}, "TIMED_OUT"),
        ({"status": "FAILED", "error": "States.Runtime", "cause": "a\nb"}, "States.Runtime: a b"),
    ],
)
def test_whatever_else_happens_is_wrong(execution, words):
    [problem] = find_wrong([PHOTO, BAD], execution)
    assert words in problem


def test_the_execution_is_waited_for():
    states = MemoryStates()
    describe = states.describe_execution

    def end(executionArn):  # noqa: N803
        states.end(executionArn, "SUCCEEDED")
        return describe(executionArn)

    states.describe_execution = end
    execution = classify(states, MACHINE, [PHOTO, BAD])
    assert execution["status"] == "SUCCEEDED"
    batch = json.loads(execution["input"])
    assert batch == {"images": [{"s3_key": PHOTO.key}, {"s3_key": BAD.key}]}
