"""The three functions on a batch of a Distributed Map, with S3 and the endpoint as dictionaries."""

import hashlib
import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from handlers import (
    aws,
    batches,
    classify_image,
    errors,
    filter_low_confidence,
    serialize_image_data,
)
from handlers.outcomes import CAUSE_LENGTH, failed_row, has_failed, make_failed_row
from handlers.photo import NO_PHOTO
from tests.unit.handlers import photos
from tests.unit.handlers.calls import CONTEXT, body
from tests.unit.refusals import refusal

GOOD = photos.encoded(photos.two_halves(), "PNG")
OTHER = photos.encoded(Image.new("RGB", (20, 30), "white"), "JPEG")


class Bucket:
    """S3 as the functions use it.

    A key in `broken` fails with that status; of one in `cut` so many bodies break off. `reads` are
    the keys that were asked for.
    """

    def __init__(self, **objects: bytes):
        self.objects = {("photos", key): data for key, data in objects.items()}
        self.broken: dict[str, int] = {}
        self.cut: dict[str, int] = {}
        self.reads: list[str] = []

    def get_object(self, Bucket, Key):  # noqa: N803
        self.reads.append(Key)
        if Key in self.broken or (Bucket, Key) not in self.objects:
            raise refusal("Code", "no", self.broken.get(Key, 404))
        data = self.objects[Bucket, Key]
        if self.cut.get(Key):
            self.cut[Key] -= 1
            return {"Body": body(data[:-1], length=len(data)), "ContentLength": len(data)}
        return {"Body": body(data), "ContentLength": len(data)}

    def put_object(self, Bucket, Key, Body):  # noqa: N803
        self.objects[Bucket, Key] = Body


class Endpoint:
    """A model that takes an image for a motorcycle by as much as it is red at its top left."""

    def __init__(self):
        self.calls: list[dict] = []

    def invoke_endpoint(self, **request):
        self.calls.append(request)
        images = np.load(io.BytesIO(request["Body"]))
        red = images[:, 0, 0, 0].astype(float) / 255
        answer = {"classes": ["bicycle", "motorcycle"], "inferences": [[1 - p, p] for p in red]}
        return {"Body": body(json.dumps(answer).encode())}


@pytest.fixture
def s3(monkeypatch):
    bucket = Bucket(**{"good.png": GOOD, "other.jpg": OTHER, "bad.png": b"no picture"})
    monkeypatch.setattr(serialize_image_data, "S3", bucket)
    monkeypatch.setattr(aws, "s3", lambda: bucket)
    return bucket


@pytest.fixture
def endpoint(monkeypatch):
    model = Endpoint()
    monkeypatch.setattr(classify_image, "SAGEMAKER", model)
    return model


def serialize(*items, **batch):
    return serialize_image_data.handler({"Items": list(items), **batch}, CONTEXT)


def run(*items, threshold=0.5):
    """A batch through all three functions, as JSON from one to the next."""
    state = {"BatchInput": {"threshold": threshold}, "Items": list(items)}
    for module in (serialize_image_data, classify_image, filter_low_confidence):
        state = module.handler(json.loads(json.dumps(state)), CONTEXT)
    return state


def numbered(*keys: str) -> list[dict]:
    """The items as the Distributed Map gives them."""
    return [{"index": index, "photo": {"s3_key": key}} for index, key in enumerate(keys)]


def test_each_image_ends_in_its_place(s3, endpoint):
    items = numbered("good.png", "bad.png", "absent.png", "other.jpg")
    items[0]["photo"]["listed"], items[2]["photo"]["listed"] = 3, 2
    items[3]["photo"]["s3_bucket"] = "photos"
    results = run(*items, threshold=0.9)
    [call] = endpoint.calls

    def judged(number: int, confidence: float) -> dict:
        inference_id = f"{call['InferenceId']}/{number}"
        return {"label": "motorcycle", "confidence": confidence, "inference_id": inference_id}

    def failed(error: str, cause: str) -> dict:
        return {"status": "failed", "error": error, "cause": cause}

    no_image = f"the file is {NO_PHOTO}"
    sure = pytest.approx(200 / 255, abs=0.03)
    wanted = [
        {"s3_key": "good.png", "listed": 3, "status": "review", **judged(0, sure)},
        {"s3_key": "bad.png", **failed("InvalidImage", no_image)},
        {"s3_key": "absent.png", "listed": 2, **failed("ImageNotFound", "no")},
        {"s3_key": "other.jpg", "status": "accepted", **judged(1, 1.0)},
    ]
    assert results == [{"index": n, "s3_bucket": "photos", **w} for n, w in enumerate(wanted)]
    assert (call["EndpointName"], call["ContentType"]) == ("vehicles", "application/x-npy")


def test_photos_of_a_batch_are_read_side_by_side(s3, monkeypatch):
    together, read = threading.Barrier(8), s3.get_object

    def get_object(**place):
        together.wait(timeout=5)  # or BrokenBarrierError
        return read(**place)

    monkeypatch.setattr(s3, "get_object", get_object)
    batch = serialize(*[{"s3_key": "good.png"}] * 8)
    assert not any(map(has_failed, batch["Items"]))


def test_a_batch_of_bad_images_alone_asks_the_endpoint_nothing(s3, endpoint):
    before = dict(s3.objects)
    assert all(result["status"] == "failed" for result in run({"s3_key": "bad.png"}, 7))
    assert (endpoint.calls, s3.objects) == ([], before)


def test_the_same_batch_makes_the_same_object_and_another_another(s3):
    first = serialize({"s3_key": "good.png"}, {"s3_key": "other.jpg"})
    objects = dict(s3.objects)
    assert serialize({"s3_key": "good.png"}, {"s3_key": "other.jpg"}) == first
    assert s3.objects == objects
    assert serialize({"s3_key": "other.jpg"})["pixels"] != first["pixels"]
    key = first["pixels"]["s3_key"]
    assert key == f"bulk/pixels/{hashlib.sha256(objects['photos', key]).hexdigest()}.npy"


@pytest.mark.parametrize(
    "line",
    [
        None,
        "good.png",
        {},
        {"s3_key": 7},
        {"s3_key": "good.png", "s3_bucket": None},
        {"s3_key": "good.png", "listed": 0},
        {"s3_key": "good.png", "listed": True},
        {"s3_key": "good.png", "listed": "2"},
        {"s3_key": "\ud800"},
    ],
)
def test_a_line_that_names_no_image_fails_alone(s3, endpoint, line):
    bad, good = run(line, {"s3_key": "good.png"})
    assert (bad["status"], bad["error"]) == ("failed", "InvalidInput")
    assert batches.times_listed(bad) == 1
    assert good["status"] == "accepted"


def test_a_body_that_breaks_off_is_read_again_and_no_other_photo_is(s3, endpoint):
    s3.cut["good.png"] = 2
    results = run({"s3_key": "good.png"}, {"s3_key": "other.jpg"})
    assert [result["status"] for result in results] == ["accepted", "accepted"]
    assert (s3.reads.count("good.png"), s3.reads.count("other.jpg")) == (3, 1)
    batch = serialize({"s3_key": "good.png"})
    s3.cut[batch["pixels"]["s3_key"]] = aws.READS
    with pytest.raises(errors.StorageUnavailable):
        classify_image.handler(batch, CONTEXT)


def test_of_cut_reads_exactly_those_photos_fail_that_were_cut_on_every_try(s3, endpoint):
    """One read in twenty is cut, some photos' every read, over as many calls as there may be."""
    keys = [f"{number}.png" for number in range(200)]
    s3.objects |= {("photos", key): GOOD for key in keys}
    lost = set(keys[7::60])
    s3.cut = dict.fromkeys(keys[::20], 1) | dict.fromkeys(lost, 99)
    batch = serialize(*numbered(*keys))
    for calls in range(2, serialize_image_data.TRIES + 1):
        assert batch["left"] == len(lost)
        before = len(s3.reads)
        batch = serialize_image_data.handler(json.loads(json.dumps(batch)), CONTEXT)
        read = [key for key in s3.reads[before:] if not key.startswith("bulk/pixels/")]
        assert set(read) == lost, calls
    assert batch["left"] == 0
    results = filter_low_confidence.handler(classify_image.handler(batch, CONTEXT), CONTEXT)
    failed = {r["s3_key"]: r["error"] for r in results if r["status"] == "failed"}
    assert failed == dict.fromkeys(lost, "StorageUnavailable")
    assert [r["index"] for r in results] == list(range(200))


@pytest.mark.parametrize("status", [429, 503])
def test_a_photo_that_s3_does_not_give_is_left_for_another_call(s3, endpoint, status):
    s3.broken["good.png"] = status
    batch = serialize(*numbered("other.jpg", "good.png", "bad.png"))
    assert batch["left"] == 1
    del s3.broken["good.png"]
    batch = serialize_image_data.handler(batch, CONTEXT)
    assert batch["left"] == 0
    judged = classify_image.handler(batch, CONTEXT)
    results = filter_low_confidence.handler(judged, CONTEXT)
    assert results == run(*numbered("other.jpg", "good.png", "bad.png"), threshold=0.8)


def test_s3_giving_no_photo_at_all_fails_the_batch_so_that_it_is_tried_again(s3):
    s3.broken = {"good.png": 503, "other.jpg": 429}
    with pytest.raises(errors.StorageUnavailable):
        serialize({"s3_key": "other.jpg"}, {"s3_key": "good.png"})


def test_photos_for_which_no_time_is_left_are_given_back(s3, endpoint, monkeypatch):
    """The clock of the first call runs out after two photos, that of the second after one more."""
    monkeypatch.setattr(serialize_image_data, "READING", ThreadPoolExecutor(1))
    keys = ["good.png", "bad.png", "other.jpg", "good.png", "other.jpg"]
    batch = {"BatchInput": {"threshold": 0.8}, "Items": numbered(*keys)}
    for photos_in_time, left in ((2, 3), (1, 2)):
        seconds = iter([99] * 2 * photos_in_time + [serialize_image_data.LAST_SECONDS - 1] * 9)
        milliseconds = map((1000).__mul__, seconds).__next__
        context = SimpleNamespace(**vars(CONTEXT) | {"get_remaining_time_in_millis": milliseconds})
        batch = serialize_image_data.handler(batch, context)
        assert batch["left"] == left
    results = filter_low_confidence.handler(classify_image.handler(batch, CONTEXT), CONTEXT)
    ended = [result.get("error", result["status"]) for result in results]
    out = "BatchOutOfTime"
    assert ended == ["review", "InvalidImage", "accepted", out, out]
    assert "batch_size" in results[-1]["cause"]
    assert len(results[-1]["cause"]) < CAUSE_LENGTH


def test_a_batch_without_items_is_invalid_input():
    for module in (serialize_image_data, classify_image, filter_low_confidence):
        for junk in ([], None, "Items"):
            with pytest.raises(errors.InvalidInput, match="Items"):
                module.handler({"Items": junk}, CONTEXT)


def test_many_images_go_in_as_many_calls_as_their_size_asks_for(s3, endpoint, monkeypatch):
    monkeypatch.setattr(aws, "MAX_BODY_BYTES", 128 + 3 * 32 * 32 * 3)
    items = [{"s3_key": "good.png"}, {"s3_key": "other.jpg"}] * 4
    results = run(*items)
    digest = endpoint.calls[0]["InferenceId"].split("-")[0]
    assert [call["InferenceId"] for call in endpoint.calls] == [f"{digest}-{n}" for n in (0, 3, 6)]
    assert [result["confidence"] < 1 for result in results] == [True, False] * 4
    assert len({result["inference_id"] for result in results}) == 8
    assert len(classify_image.call_id("f" * 64, 10_000)) <= 64


def test_pixels_that_are_not_the_batch_s_are_refused(s3, endpoint):
    batch = serialize({"s3_key": "good.png"}, {"s3_key": "other.jpg"})
    place = ("photos", batch["pixels"]["s3_key"])
    s3.objects[place] = s3.objects[place][: -32 * 32 * 3]
    with pytest.raises(errors.InvalidInput):
        classify_image.handler(batch, CONTEXT)
    del s3.objects[place]
    with pytest.raises(errors.ImageNotFound):
        classify_image.handler(batch, CONTEXT)
    del batch["pixels"]
    with pytest.raises(errors.InvalidInput):
        classify_image.handler(batch, CONTEXT)


def test_causes_are_short_and_plain_whatever_they_are():
    error = errors.InvalidImage('a "b" \\ c\nGröße ' + "long " * 99)
    failed = failed_row({"s3_key": "k"}, error)
    assert failed["cause"].startswith("a ?b? ? c?Gr?e long")
    assert len(json.dumps(failed["cause"])) == CAUSE_LENGTH + 2


def test_the_largest_results_fit_beside_what_the_state_machine_lets_in():
    """The reckoning in classify-bulk.asl.yml."""
    location = {"s3_bucket": "b" * 63, "s3_key": ""}
    identity = classify_image.member_id(classify_image.call_id("f" * 64, 199), 199)
    judged = {"label": '"' * 64, "confidence": 0.12345678901234567, "inference_id": identity}
    failed = make_failed_row(location, "E" * 99, "c" * 999)
    common = {"index": 10**9, "listed": 10**12}
    largest = max(
        len(json.dumps({**location, **common, "status": "accepted", **judged})),
        len(json.dumps({**failed, **common, "status": "failed"})),
        len(json.dumps({**failed, **common, "left": serialize_image_data.TRIES})),
    )
    assert largest + len(",") <= 466


def test_the_log_says_how_many_and_holds_no_image(s3, endpoint, log):
    run({"s3_key": "good.png"}, {"s3_key": "bad.png"}, {"s3_key": "other.jpg"}, threshold=0.9)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [(line["images"], line["failed"]) for line in lines] == [(3, 1)] * 3
    assert (lines[-1]["accepted"], lines[-1]["review"]) == (1, 1)
    assert max(map(len, log.getvalue().splitlines())) < 1000
