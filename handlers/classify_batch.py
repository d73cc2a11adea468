"""A batch's pixels -> the endpoint, many images a call -> label and confidence of each image."""

from pathlib import PurePosixPath
from typing import Any

from handlers import aws, batches, inference_ids, npy, pixels
from handlers.errors import InvalidInput
from handlers.predictions import parse_answers
from handlers.settings import Settings

MAX_BODY_BYTES = 6_000_000  # InvokeEndpoint takes no more


def classify_batch(batch: dict, s3: Any, sagemaker: Any, settings: Settings) -> dict:
    """The batch, each good image with label, confidence and its id in Data Capture.

    Raises what `handlers.aws` does for the endpoint and the array, InvalidModelResponse, or
    InvalidInput where array and batch do not belong together.
    """
    items = batches.items(batch)
    good = [item for item in items if not batches.has_failed(item)]
    found = classify_pixels(batch.get("pixels"), s3, sagemaker, settings) if good else []
    if len(found) != len(good):
        raise InvalidInput(f"{len(good)} images came with the pixels of {len(found)}")
    answers = iter(found)
    judged = [item if batches.has_failed(item) else {**item, **next(answers)} for item in items]
    return {**batches.common(batch), "Items": judged}


def classify_pixels(place: Any, s3: Any, sagemaker: Any, settings: Settings) -> list[dict]:
    """What the model sees in each image of an array in S3."""
    images = pixels.read(place, s3, settings)
    digest = PurePosixPath(place["s3_key"]).stem
    found = []
    for first, count, part in npy.parts(images, settings.image_size, MAX_BODY_BYTES):
        call = inference_ids.of_call(digest, first)
        answer = aws.invoke_endpoint(
            sagemaker, settings.endpoint_name, part, "application/x-npy", call
        )
        found += [
            {
                "label": prediction.label,
                "confidence": prediction.confidence,
                "inference_id": inference_ids.of_member(call, position),
            }
            for position, prediction in enumerate(parse_answers(answer, count))
        ]
    return found
