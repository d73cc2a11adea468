"""`image_data` -> the endpoint -> `inferences`, and the label and confidence that they mean."""

import base64
import os
from typing import Any

from handlers import aws, events
from handlers.errors import InvalidInput
from handlers.logs import logged
from handlers.predictions import parse_answer
from handlers.settings import Settings

SETTINGS = Settings.of(os.environ)
SAGEMAKER = aws.sagemaker()


@logged
def handler(event: Any, context: Any) -> dict:
    """`{image_data, ...}` -> `{..., inferences, label, confidence}`, without the image.

    Raises InvalidInput, EndpointNotFound, EndpointThrottled, EndpointUnavailable, EndpointTimeout,
    AccessDenied or InvalidModelResponse.
    """
    try:
        png = base64.b64decode(events.text(event, "image_data"), validate=True)
    except ValueError:
        raise InvalidInput("image_data is not base64") from None
    prediction = parse_answer(aws.invoke_endpoint(SAGEMAKER, SETTINGS.endpoint_name, png))
    return {
        **{name: value for name, value in event.items() if name != "image_data"},
        "inferences": prediction.inferences,
        "label": prediction.label,
        "confidence": prediction.confidence,
    }
