"""What `classify` takes: what it refuses whole, or photo by photo, the JSON Schema refuses."""

import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from handlers import aws, events
from handlers.answers import LABEL_BYTES
from handlers.errors import HandlerError, InvalidInput
from handlers.outcomes import STATUSES
from tests.unit.refusals import refusal
from tests.unit.statemachine.asl import FOLDER, ITEM_STATES, SCHEMA, STATES, after, evaluate

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


def threshold_of(batch) -> object:
    return evaluate(STATES["CheckBatch"]["Assign"]["threshold"], input=batch)


class EmptyBucket:
    """S3 without an object: a key is too long for it, or not found."""

    def get_object(self, Bucket, Key):  # noqa: N803
        raise refusal("KeyTooLongError") if len(Key.encode()) > 1024 else refusal("No", status=404)


def read_photo(item: dict) -> None:
    """What serializeImageData does first."""
    bucket, key = events.text(item, "s3_bucket"), events.text(item, "s3_key")
    aws.read_object(EmptyBucket(), bucket, key, 1)


def results_of(batch) -> list[dict] | None:
    """What an execution makes of the images, all of which fail; None if it ends InvalidBatch."""
    checked = check(batch)
    if after("IsBatchValid", checked) == "InvalidBatch":
        return None
    events.fraction({"threshold": threshold_of(batch)}, "threshold")
    results = []
    for value in evaluate(STATES["ClassifyImages"]["Items"], input=checked):
        item = evaluate(
            STATES["ClassifyImages"]["ItemSelector"],
            {"service_bucket": "photos"},
            context={"Map": {"Item": {"Value": value}}},
        )
        with pytest.raises(HandlerError) as failure:
            read_photo(item)
        cause = json.dumps({"errorMessage": str(failure.value)})
        error = {"Error": type(failure.value).__name__, "Cause": cause}
        (catch,) = ITEM_STATES["SerializeImageData"]["Catch"]
        results.append(evaluate(catch["Output"], input=item, errorOutput=error))
    return results


@pytest.mark.parametrize(
    "batch",
    [
        images(1),
        images(500, "k" * 150),
        {**images(2), "threshold": 0},
        {**images(2), "threshold": 1},
        {"images": [{"s3_bucket": "photos", "s3_key": "a b.png"}]},
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
        ([images(1)], "the batch must be an object"),
        ({"images": []}, "images must hold 1 to 500 images, not 0"),
        ({"images": None}, "images must be an array"),
        ({"images": {"s3_key": "a.png"}}, "images must be an array"),
        (images(501), "images must hold 1 to 500 images, not 501"),
        ({**images(1), "threshold": 1.5}, "threshold must be a number from 0 to 1"),
        ({**images(1), "threshold": -0.1}, "threshold must be a number from 0 to 1"),
        ({**images(1), "threshold": "high"}, "threshold must be a number from 0 to 1"),
        ({**images(1), "threshold": True}, "threshold must be a number from 0 to 1"),
        ({**images(1), "treshold": 0.5}, "the batch has unknown fields: treshold"),
        ({"detail-type": "Object Deleted"}, "the event must be an Object Created of S3, with"),
        ({**EVENT, "detail": {"bucket": {"name": "photos"}}}, "a detail.object.key"),
        ({**EVENT, "detail": [EVENT["detail"]]}, "the event must be an Object Created of S3, with"),
    ],
)
def test_what_no_execution_can_work_on_is_refused_with_the_reason(batch, sentence):
    assert not VALIDATOR.is_valid(batch)
    checked = check(batch)
    assert sentence in checked["problem"]
    assert after("IsBatchValid", checked) == "InvalidBatch"
    fail = STATES["InvalidBatch"]
    assert fail["Error"] == "InvalidBatch"
    assert evaluate(fail["Cause"], input=checked) == checked["problem"]


NO_KEY = [None, 7, "a.png", [{"s3_key": "a.png"}], {}, {"key": "a.png"}]
ODD_KEY = [None, ["a.png"], {"s3_key": "a.png"}, "", "a" * 1025, "\ud800"]
ODD_BUCKET = [None, ["photos"], ""]


@pytest.mark.parametrize(
    "entry",
    [
        *NO_KEY,
        *({"s3_key": key} for key in ODD_KEY),
        *({"s3_key": "a.png", "s3_bucket": bucket} for bucket in ODD_BUCKET),
    ],
)
def test_a_bad_entry_fails_alone(entry):
    batch = {"images": [{"s3_key": "first.png"}, entry, {"s3_key": "last.png"}]}
    assert not VALIDATOR.is_valid(batch)
    first, bad, last = results_of(batch)
    assert (first["s3_key"], first["error"]) == ("first.png", "ImageNotFound")
    assert (last["s3_key"], last["error"]) == ("last.png", "ImageNotFound")
    assert bad["cause"].startswith("s3_") or "KeyTooLong" in bad["cause"]
    place = {"s3_bucket": "photos", "s3_key": None, **(entry if isinstance(entry, dict) else {})}
    for name in ("s3_bucket", "s3_key"):
        assert bad[name] == (place[name] if isinstance(place[name], str) else None)
    assert (bad["status"], bad["error"]) == ("failed", "InvalidInput")


COURSE = {"images": [{"s3_key": "a.png", "image_data": "", "inferences": []}]}
LANDED = {"s3_bucket": "photos", "s3_key": "incoming/a b+é.png"}


@pytest.mark.parametrize(("batch", "image"), [(COURSE, {"s3_key": "a.png"}), (EVENT, LANDED)])
def test_fields_of_the_course_s_project_are_ignored_and_an_event_of_s3_is_a_batch_of_one(
    batch, image
):
    VALIDATOR.validate(batch)
    assert check(batch) == {"problem": "", "images": [image]}


def test_the_threshold_is_the_batch_s_or_the_service_s():
    config = yaml.safe_load((FOLDER.parent / "config.yml").read_text())
    assert threshold_of(images(1)) == threshold_of(EVENT) == config["threshold"]
    assert threshold_of({**EVENT, "threshold": "high"}) == config["threshold"]
    assert threshold_of({**images(1), "threshold": 0}) == 0


def test_keys_that_leave_no_room_for_the_results_are_refused():
    assert check(images(500, "k" * 200))["problem"].startswith("the results would not fit")
    assert check(images(200, "k" * 900))["problem"] == ""


LONGEST = [
    {"status": "failed", "error": "E" * 64, "cause": "c" * 150},
    {"status": "accepted", "label": '"' * LABEL_BYTES, "confidence": 0.12345678901234568},
]


@pytest.mark.parametrize(
    ("letter", "count"), [("a", 156), ("日", 39), ("🚲", 39), ('"', 39), ("\n", 26)]
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


KEYS = st.sampled_from(["s3_key", "s3_bucket", "image_data", "key", ""])
TEXTS = ["", "a", "a" * 1025, "\ud800"]
LISTS = [[], ["a"], [[]], [None], [{"s3_key": "a"}], [[{"s3_key": "a"}]]]
OBJECTS = [{}, {"name": "a"}, {"s3_key": "a"}]
VALUES = st.sampled_from([None, True, 0, 1, 0.5, 1.5, -1, *TEXTS, *LISTS, *OBJECTS])
IMAGES = st.dictionaries(KEYS, VALUES, max_size=4) | st.just({"s3_key": "a"}) | VALUES
BATCHES = st.fixed_dictionaries(
    {},
    optional={"images": st.lists(IMAGES, max_size=3) | VALUES, "threshold": VALUES, "more": VALUES},
)
PARTS = st.fixed_dictionaries({}, optional={"name": VALUES, "key": VALUES}) | VALUES
EVENTS = st.fixed_dictionaries(
    {"detail-type": st.sampled_from(["Object Created", "Object Deleted", None, 1, [], {}])},
    optional={
        "detail": st.fixed_dictionaries({}, optional={"bucket": PARTS, "object": PARTS}) | VALUES,
        "threshold": VALUES,
    },
)


@settings(max_examples=300, deadline=None)
@given(BATCHES | EVENTS | VALUES)
def test_the_schema_takes_exactly_what_neither_the_batch_nor_a_photo_is_refused_for(batch):
    results = results_of(batch)
    errors = [result["error"] for result in results or ()]
    taken = results is not None and InvalidInput.__name__ not in errors
    assert VALIDATOR.is_valid(batch) == taken
    if results is not None and isinstance(batch.get("images"), list):
        assert len(results) == len(batch["images"])
