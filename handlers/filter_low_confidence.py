"""Lets through what the model is sure of; the rest is for a person to look at."""

import os
from typing import Any

from handlers import events
from handlers.errors import THRESHOLD_CONFIDENCE_NOT_MET
from handlers.logs import logged
from handlers.settings import Settings

SETTINGS = Settings.of(os.environ)


@logged
def handler(event: Any, context: Any) -> dict:
    """`{label, confidence, threshold?, ...}` -> the same, accepted.

    Raises THRESHOLD_CONFIDENCE_NOT_MET where the confidence is below the threshold (by default the
    service's), or InvalidInput.
    """
    label, confidence = events.text(event, "label"), events.fraction(event, "confidence")
    threshold = events.fraction(event, "threshold", default=SETTINGS.threshold)
    if confidence < threshold:
        raise THRESHOLD_CONFIDENCE_NOT_MET(f"{label} at {confidence:.4f} is below {threshold}")
    return event
