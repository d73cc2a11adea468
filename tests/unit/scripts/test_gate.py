import io
import json

import pytest
from botocore.exceptions import ClientError

from scripts import gate
from scripts.cli import UserError
from tests.archives import tar

FLOORS = {"accuracy": 0.85, "expected_calibration_error": 0.08}


def metrics(accuracy=0.95, error=0.02) -> dict:
    """What the gate reads of metrics.json."""
    calibration = {"before_temperature": 0.2, "after_temperature": error}
    return {"test": {"accuracy": accuracy, "expected_calibration_error": calibration}}


@pytest.mark.parametrize("good", [metrics(), metrics(0.85, 0.08), metrics(1, 0)])
def test_a_model_on_or_above_the_floors_passes(good):
    assert gate.shortfalls(good, FLOORS) == []


def test_a_shortfall_says_which_floor_and_by_how_much():
    assert gate.shortfalls(metrics(accuracy=0.8), FLOORS) == [
        "its accuracy of 0.8000 is 0.0500 below the floor: it must be at least 0.85"
    ]
    assert gate.shortfalls(metrics(error=0.1234), FLOORS) == [
        "its expected calibration error of 0.1234 is 0.0434 above the floor: "
        "it must be at most 0.08"
    ]
    assert len(gate.shortfalls(metrics(0.5, 0.5), FLOORS)) == 2


@pytest.mark.parametrize(
    "odd",
    [
        None,
        [],
        {},
        {"test": None},
        {"test": {}},
        metrics(None, "good"),
        metrics(True, False),
        metrics(float("inf"), float("-inf")),
    ],
)
def test_metrics_that_do_not_say_are_shortfalls(odd):
    missed = gate.shortfalls(odd, FLOORS)
    assert len(missed) == 2
    assert all("does not say" in reason for reason in missed)


def test_a_figure_that_is_no_number_does_not_pass():
    nan = float("nan")
    assert len(gate.shortfalls(metrics(nan, nan), FLOORS)) == 2


@pytest.mark.parametrize(
    "odd", [None, {}, {"image_size": 64}, {"image_size": None}, {"image_size": "32"}]
)
def test_a_model_of_another_size_says_what_to_do(odd):
    gate.check_size({"image_size": 32}, "s3://b/model.tar.gz", 32)
    with pytest.raises(UserError, match=r"image\.size in config\.yml is 32: .*scripts\.train"):
        gate.check_size(odd, "s3://b/model.tar.gz", 32)


def test_a_models_own_threshold_says_on_how_many_photos_it_rests():
    point = {"threshold": 0.9123, "precision_target": 0.99}
    own = gate.own_threshold({"operating_point": point, "validation": {"images": 1234}})
    assert own.value == 0.9123
    assert str(own) == "0.9123 reaches 99 % precision on its 1,234 validation photos"


def test_a_model_without_a_threshold_says_so():
    point = {"threshold": None, "precision_target": 0.99}
    own = gate.own_threshold({"operating_point": point, "validation": {"images": 20}})
    assert own.value is None
    assert str(own) == "none reaches 99 % precision on its 20 validation photos"


GOOD = {"threshold": 0.97, "precision_target": 0.99}
NO_NUMBERS = ("0.97", True, float("nan"), float("inf"), 10**400, [0.97])


@pytest.mark.parametrize(
    "odd",
    [
        None,
        {},
        {"operating_point": GOOD},
        {"validation": {"images": 800}},
        *({"operating_point": GOOD, "validation": {"images": n}} for n in ("800", True, 8.5, 0)),
        *(
            {"operating_point": {**GOOD, name: value}, "validation": {"images": 800}}
            for name in GOOD
            for value in NO_NUMBERS
        ),
        *(
            {"operating_point": {name: 0.5}, "validation": {"images": 800}}
            for name in GOOD  # without the other
        ),
    ],
)
def test_an_operating_point_that_is_odd_or_missing_does_not_say(odd):
    own = gate.own_threshold(odd)
    assert own.value is None
    assert str(own) == "metrics.json does not say"


class Bucket:
    """S3 with one object, or none."""

    def __init__(self, body: bytes | None):
        self.body = body

    def get_object(self, Bucket, Key):  # noqa: N803
        if self.body is None:
            error = {"Code": "NoSuchKey", "Message": "The specified key does not exist."}
            raise ClientError({"Error": error}, "GetObject")
        return {"Body": io.BytesIO(self.body)}


def test_the_metrics_are_read_out_of_the_archive():
    archive = tar({"model.onnx": b"model", "metrics.json": json.dumps(metrics()).encode()})
    assert gate.read_metrics(Bucket(archive), "s3://bucket/model.tar.gz") == metrics()


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (tar({"model.onnx": b"model"}), "holds no metrics.json"),
        (tar({"metrics.json": b"accuracy: 1"}), "is not JSON"),
        (b"no archive", "cannot be read"),
        (None, "no model at s3://bucket/model.tar.gz"),
    ],
)
def test_an_archive_without_readable_metrics_is_named(archive, reason):
    with pytest.raises(UserError, match=reason):
        gate.read_metrics(Bucket(archive), "s3://bucket/model.tar.gz")
