"""`image_data` -> the endpoint -> `inferences`, with their label and confidence.

Each call of the endpoint takes many images of a batch.
"""

import base64
import hashlib
import os
from pathlib import PurePosixPath
from typing import Any

from handlers import aws, batches, claim_check, events, npy, outcomes
from handlers.answers import parse_answer, parse_answers
from handlers.errors import InvalidInput
from handlers.logs import log_calls, note
from handlers.settings import Settings

SETTINGS = Settings.from_env(os.environ)
SAGEMAKER = aws.sagemaker()

DIGITS = 32  # of a digest in an inference id


@log_calls
def handler(event: Any, context: Any) -> dict:
    """`{image_data, ...}` -> `{..., inferences, label, confidence}`, without the image.

    A batch as `classify_batch`. Raises InvalidInput, EndpointNotFound, EndpointThrottled,
    EndpointUnavailable, EndpointTimeout, AccessDenied or InvalidModelResponse.
    """
    if batches.is_batch(event):
        # One image needs no client of S3, which would double the cold start.
        return classify_batch(event, aws.s3(), SAGEMAKER, SETTINGS)
    try:
        png = base64.b64decode(events.text(event, "image_data"), validate=True)
    except ValueError:
        raise InvalidInput("image_data is not base64") from None
    identity = None
    if "s3_bucket" in event and "s3_key" in event:
        place = events.text(event, "s3_bucket"), events.text(event, "s3_key")
        identity = image_id(*place)
    answer = aws.invoke_endpoint(SAGEMAKER, SETTINGS.endpoint_name, png, inference_id=identity)
    prediction = parse_answer(answer)
    return {
        **{name: value for name, value in event.items() if name != "image_data"},
        "inferences": prediction.inferences,
        "label": prediction.label,
        "confidence": prediction.confidence,
    }


def classify_batch(batch: dict, s3: Any, sagemaker: Any, settings: Settings) -> dict:
    """The batch, each good image with label, confidence and its id in Data Capture.

    Raises the errors of `handlers.aws` for the endpoint and the array, InvalidModelResponse, or
    InvalidInput if array and batch do not belong together.
    """
    items = batches.items(batch)
    good = [item for item in items if not outcomes.has_failed(item)]
    answers = classify_pixels(batch.get("pixels"), s3, sagemaker, settings) if good else []
    if len(answers) != len(good):
        raise InvalidInput(f"{len(good)} images came with the pixels of {len(answers)}")
    rest = iter(answers)
    items = [item if outcomes.has_failed(item) else {**item, **next(rest)} for item in items]
    note(failed=outcomes.count_failed(items))
    return {**batches.batch_input(batch), "Items": items}


def classify_pixels(place: Any, s3: Any, sagemaker: Any, settings: Settings) -> list[dict]:
    """The label, the confidence and the inference id of each image in an array in S3."""
    images = claim_check.read(place, s3, settings)
    digest = PurePosixPath(place["s3_key"]).stem
    answers = []
    for first, count, part in npy.parts(images, settings.image_size, aws.MAX_BODY_BYTES):
        call = call_id(digest, first)
        answer = aws.invoke_endpoint(
            sagemaker, settings.endpoint_name, part, "application/x-npy", call
        )
        answers += [
            {
                "label": prediction.label,
                "confidence": prediction.confidence,
                "inference_id": member_id(call, position),
            }
            for position, prediction in enumerate(parse_answers(answer, count))
        ]
    return answers


def image_id(bucket: str, key: str) -> str:
    """The id of a call for one image: 32 hexadecimal digits of the SHA-256 of `s3://bucket/key`."""
    return hashlib.sha256(f"s3://{bucket}/{key}".encode()).hexdigest()[:DIGITS]


def call_id(pixels_digest: str, first: int) -> str:
    """The id of a call for many images; `first` is the first one's position in the claim check."""
    return f"{pixels_digest[:DIGITS]}-{first}"


def member_id(call: str, position: int) -> str:
    """The id of the image at a position, from 0, of a call for many."""
    return f"{call}/{position}"
