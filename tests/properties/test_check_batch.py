"""What CheckBatch takes and refuses; the JSON Schema must say the same."""

import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from handlers.answers import LABEL_BYTES
from handlers.outcomes import STATUSES
from tests.unit.statemachine.asl import FOLDER, SCHEMA, STATES, after, evaluate

VALIDATOR = Draft202012Validator(SCHEMA)
EVENT = {
    "version": "0",
    "detail-type": "Object Created",
    "source": "aws.s3",
    "detail": {"bucket": {"name": "photos"}, "object": {"key": "incoming/a b+é.png", "size": 9}},
}


def check(batch) -> dict:
    return evaluate(STATES["CheckBatch"]["Output"], input=batch)


def images(count: int, key: str = "bike.png") -> dict:
    return {"images": [{"s3_key": key}] * count}


@pytest.mark.parametrize(
    "batch",
    [
        images(1),
        images(500),
        images(500, "k" * 150),
        {**images(2), "threshold": 0},
        {**images(2), "threshold": 1},
        {"images": [{"s3_bucket": "photos", "s3_key": "a b.png"}]},
        {"images": [{"s3_key": "a.png", "image_data": "", "inferences": []}]},
    ],
)
def test_a_valid_batch_passes_with_its_images_in_order(batch):
    VALIDATOR.validate(batch)
    assert check(batch) == {"problem": "", "images": batch["images"]}


@pytest.mark.parametrize(
    ("batch", "sentence"),
    [
        ({}, "the batch has no images"),
        (None, "the batch must be an object"),
        ([], "the batch must be an object"),
        ("images", "the batch must be an object"),
        ([images(1)], "the batch must be an object"),
        ({"images": []}, "images must hold at least one image"),
        ({"images": None}, "images must be an array"),
        ({"images": {}}, "images must be an array"),
        ({"images": {"s3_key": "a.png"}}, "images must be an array"),
        (images(501), "images must hold at most 500 images, not 501"),
        ({"images": [{"s3_key": "a"}, {}]}, "images[1] has no s3_key"),
        ({"images": ["a.png"]}, "images[0] must be an object"),
        ({"images": [[{"s3_key": "a"}]]}, "images[0] must be an object"),
        ({"images": [{"s3_key": ""}]}, "images[0] must have a string that is not empty as s3_key"),
        ({"images": [{"s3_key": 7}]}, "images[0] must have a string that is not empty as s3_key"),
        (
            {"images": [{"s3_key": "a", "s3_bucket": None}]},
            "images[0] must have a string that is not empty as s3_bucket",
        ),
        ({"images": [{"s3_key": "a", "key": "b"}]}, "images have unknown fields: key"),
        ({**images(1), "threshold": 1.5}, "threshold must be a number from 0 to 1"),
        ({**images(1), "threshold": -0.1}, "threshold must be a number from 0 to 1"),
        ({**images(1), "threshold": "high"}, "threshold must be a number from 0 to 1"),
        ({**images(1), "threshold": None}, "threshold must be a number from 0 to 1"),
        ({**images(1), "threshold": True}, "threshold must be a number from 0 to 1"),
        ({**images(1), "treshold": 0.5}, "the batch has unknown fields: treshold"),
        ({"detail-type": "Object Deleted"}, "the event must be an Object Created of S3"),
        (
            {"detail-type": "Object Created", "detail": {"bucket": {"name": "photos"}}},
            "the event must have a detail.bucket.name and a detail.object.key",
        ),
        (
            {"detail-type": "Object Created", "detail": [EVENT["detail"]]},
            "the event must have a detail.bucket.name and a detail.object.key",
        ),
    ],
)
def test_an_invalid_batch_is_told_what_is_wrong_and_where(batch, sentence):
    assert not VALIDATOR.is_valid(batch)
    checked = check(batch)
    assert checked == {"problem": sentence, "images": []}
    assert after("IsBatchValid", checked) == "InvalidBatch"
    fail = STATES["InvalidBatch"]
    assert (fail["Error"], evaluate(fail["Cause"], input=checked)) == ("InvalidBatch", sentence)


def test_an_event_of_s3_is_a_batch_of_one():
    VALIDATOR.validate(EVENT)
    image = {"s3_bucket": "photos", "s3_key": "incoming/a b+é.png"}
    assert check(EVENT) == {"problem": "", "images": [image]}
    assert after("IsBatchValid", check(EVENT)) == "ClassifyImages"


def test_the_threshold_is_the_batch_s_or_the_service_s():
    threshold = STATES["CheckBatch"]["Assign"]["threshold"]
    config = yaml.safe_load((FOLDER.parent / "config.yml").read_text())
    assert evaluate(threshold, input=images(1)) == config["threshold"]
    assert evaluate(threshold, input={**images(1), "threshold": 0}) == 0


def test_keys_that_leave_no_room_for_the_results_are_refused():
    assert check(images(500, "k" * 200))["problem"].startswith("the results would not fit")
    assert check(images(200, "k" * 900))["problem"] == ""


LONGEST = [
    {"status": "failed", "error": "E" * 64, "cause": "c" * 150},
    {"status": "accepted", "label": '"' * LABEL_BYTES, "confidence": 0.12345678901234568},
]


@pytest.mark.parametrize(
    ("letter", "count"), [("a", 156), ("é", 39), ("日", 39), ("🚲", 39), ('"', 39), ("\n", 26)]
)
def test_results_of_whatever_passes_fit_into_a_state_s_output(letter, count):
    batch = images(500, letter * count)
    assert check(batch)["problem"] == ""
    for longest in LONGEST:
        results = [{"s3_bucket": "b" * 63, **image, **longest} for image in batch["images"]]
        counts = dict.fromkeys(["submitted", *STATUSES], 500)
        output = {"counts": counts, "results": results}
        text = json.dumps(output, ensure_ascii=False, separators=(",", ":"))
        assert len(text.encode()) < 256 * 1024


KEYS = st.sampled_from(["s3_key", "s3_bucket", "image_data", "inferences", "key", ""])
VALUES = st.sampled_from([None, True, 0, 1, 0.5, 1.5, -1, "", "a", [], ["a"], {}, {"name": "a"}])
IMAGES = st.dictionaries(KEYS, VALUES, max_size=4) | st.just({"s3_key": "a"}) | VALUES
BATCHES = st.fixed_dictionaries(
    {},
    optional={
        "images": st.lists(IMAGES, max_size=3) | VALUES,
        "threshold": VALUES,
        "more": VALUES,
    },
)
PARTS = st.fixed_dictionaries({}, optional={"name": VALUES, "key": VALUES}) | VALUES
EVENTS = st.fixed_dictionaries(
    {"detail-type": st.sampled_from(["Object Created", "Object Deleted", None, 1, [], {}])},
    optional={
        "detail": st.fixed_dictionaries({}, optional={"bucket": PARTS, "object": PARTS}) | VALUES
    },
)


@settings(max_examples=150, deadline=None)
@given(BATCHES | EVENTS | VALUES)
def test_the_expression_and_the_schema_agree(batch):
    assert (check(batch)["problem"] == "") == VALIDATOR.is_valid(batch)
