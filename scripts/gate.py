"""The gate before the endpoint: a model's own metrics against the floors of config.yml."""

import json
import sys
from typing import NamedTuple

from botocore.exceptions import ClientError

from scripts.cli import UserError
from scripts.job_output import read_member

METRICS = "metrics.json"


class Threshold(NamedTuple):
    """The threshold that a model's training chose, and by how many validation photos.

    value: None where no threshold reaches the target on them, or the metrics do not say.
    """

    value: float | None
    precision_target: float
    photos: int

    def __str__(self):
        if not self.photos:
            return f"{METRICS} does not say"
        value = "none" if self.value is None else f"{self.value:g}"
        return (
            f"{value} reaches {self.precision_target * 100:g} % precision on its {self.photos:,} "
            "validation photos"
        )


def read_metrics(s3, model_data: str) -> dict:
    """Return the metrics.json of a model.tar.gz in S3. UserError where there is none."""
    try:
        return json.loads(read_member(s3, model_data, METRICS))
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchKey", "NoSuchBucket"):
            raise
        raise UserError(f"There is no model at {model_data}.") from error
    except ValueError as error:
        raise UserError(f"{METRICS} in {model_data} is not JSON: {error}") from error


def check_size(metrics: dict, model_data: str, size: int) -> None:
    """Raise UserError for a model of photos of another size than config.yml's."""
    of_model = _whole(_member(metrics, "image_size"))
    if of_model != size:
        sides = f"photos of {of_model} pixels a side" if of_model else "photos of no stated size"
        raise UserError(
            f"{model_data} is for {sides}, and image.size in config.yml is {size}: train one for "
            "that size (python -m scripts.etl, then python -m scripts.train)."
        )


def own_threshold(metrics: dict) -> Threshold:
    """Return the threshold that the model's training chose, of no photos if a figure is odd."""
    point = _member(metrics, "operating_point")
    target = _number(_member(point, "precision_target"))
    photos = _whole(_member(_member(metrics, "validation"), "images")) or 0
    written = _member(point, "threshold")
    value = _number(written)
    none_reaches = isinstance(point, dict) and "threshold" in point and written is None
    if target is None or photos < 1 or (value is None and not none_reaches):
        return Threshold(None, 0.0, 0)
    return Threshold(value, target, photos)


def shortfalls(metrics: dict, floors: dict) -> list[str]:
    """Return a sentence for each floor that the model's test rows miss: which, and by how much.

    metrics: what train.py writes to metrics.json; floors: `accuracy`, at least this much, and
    `expected_calibration_error`, at most. A figure that is missing is a shortfall too.
    """
    test = _member(metrics, "test")
    accuracy = _member(test, "accuracy")
    error = _member(_member(test, "expected_calibration_error"), "after_temperature")
    return [
        *_missed("accuracy", accuracy, floors["accuracy"], at_least=True),
        *_missed(
            "expected calibration error",
            error,
            floors["expected_calibration_error"],
            at_least=False,
        ),
    ]


def _missed(name: str, value: object, floor: float, *, at_least: bool) -> list[str]:
    bound = f"{'at least' if at_least else 'at most'} {floor:g}"
    value = _number(value)
    if value is None:
        return [f"{METRICS} does not say its {name} on the test photos, which must be {bound}"]
    short = floor - value if at_least else value - floor
    if short <= 0:
        return []
    side = "below" if at_least else "above"
    return [f"its {name} of {value:.4f} is {short:.4f} {side} the floor: it must be {bound}"]


def _number(value: object) -> float | None:
    """Return a finite number as it is, and None for anything else: true, NaN, "0.97"."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) <= sys.float_info.max else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None
