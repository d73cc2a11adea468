"""`image_data` -> the endpoint -> `inferences`, and the label and confidence that they mean."""

import base64
import os
from typing import Any

from handlers import aws, batches, events, inference_ids
from handlers.classify_batch import classify_batch
from handlers.errors import InvalidInput
from handlers.logs import logged
from handlers.predictions import parse_answer
from handlers.settings import Settings

SETTINGS = Settings.of(os.environ)
SAGEMAKER = aws.sagemaker()


@logged
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
        identity = inference_ids.of_image(*place)
    answer = aws.invoke_endpoint(SAGEMAKER, SETTINGS.endpoint_name, png, inference_id=identity)
    prediction = parse_answer(answer)
    return {
        **{name: value for name, value in event.items() if name != "image_data"},
        "inferences": prediction.inferences,
        "label": prediction.label,
        "confidence": prediction.confidence,
    }
