"""The model's answer, checked."""

import json
from dataclasses import dataclass
from typing import Any, TypeGuard

from handlers.errors import InvalidModelResponse

LABEL_BYTES = 64  # The state machine relies on results of a bounded size.
SUM_TOLERANCE = 1e-3  # float32 softmax


@dataclass(frozen=True, slots=True)
class Prediction:
    """A probability for each class, and the likeliest class with its probability.

    1 minus their sum is the probability that the photo is of none of the classes.
    """

    inferences: list[float]
    label: str
    confidence: float


def parse_answer(body: bytes) -> Prediction:
    """The prediction in an answer for one image. Raises InvalidModelResponse."""
    [prediction] = parse_answers(body, 1)
    return prediction


def parse_answers(body: bytes, images: int) -> list[Prediction]:
    """The predictions in an answer for N images, `{"classes": [C], "inferences": [N x C]}`.

    Raises InvalidModelResponse unless each image has C probabilities that sum to at most 1.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidModelResponse("the model's answer is not JSON") from None
    if not isinstance(answer, dict):
        raise InvalidModelResponse("the model's answer is not an object")
    classes, inferences = answer.get("classes"), answer.get("inferences")
    if not _are_labels(classes):
        raise InvalidModelResponse(
            f"classes must be different printable names of at most {LABEL_BYTES} bytes"
        )
    if not isinstance(inferences, list) or len(inferences) != images:
        raise InvalidModelResponse(f"inferences must be {images} in a list, one per image")
    return [_prediction(classes, row) for row in inferences]


def _prediction(classes: list[str], row: Any) -> Prediction:
    if not isinstance(row, list):
        raise InvalidModelResponse("each of the inferences must be a list of numbers")
    if len(row) != len(classes):
        raise InvalidModelResponse(f"{len(classes)} classes came with {len(row)} probabilities")
    if not all(_is_probability(value) for value in row) or sum(row) > 1 + SUM_TOLERANCE:
        raise InvalidModelResponse(
            "the probabilities must be numbers from 0 to 1 that sum to at most 1"
        )
    confidence = max(row)
    return Prediction(row, classes[row.index(confidence)], confidence)


def _are_labels(value: Any) -> TypeGuard[list[str]]:
    if not isinstance(value, list) or not value or not all(map(_is_label, value)):
        return False
    return len(set(value)) == len(value)


def _is_label(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and 0 < len(value.encode()) <= LABEL_BYTES


def _is_probability(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
