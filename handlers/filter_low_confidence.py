"""Lets through what the model is sure of; the rest is for a person to look at."""

import os
from typing import Any

from handlers import batches, events, outcomes
from handlers.errors import THRESHOLD_CONFIDENCE_NOT_MET
from handlers.logs import log_calls, note
from handlers.settings import Settings

SETTINGS = Settings.from_env(os.environ)


@log_calls
def handler(event: Any, context: Any) -> dict | list[dict]:
    """`{label, confidence, threshold?, ...}` -> the same, accepted.

    A batch -> its results, one an item, each with `status` accepted, review or failed. Raises
    THRESHOLD_CONFIDENCE_NOT_MET where the confidence is below the threshold (by default the
    service's), for no batch; or InvalidInput.
    """
    if batches.is_batch(event):
        return filter_batch(event)
    label, confidence = events.text(event, "label"), events.fraction(event, "confidence")
    threshold = events.fraction(event, "threshold", default=SETTINGS.threshold)
    status = outcomes.judge(confidence, threshold)
    note(**{name: int(name == status) for name in outcomes.LABELLED})
    if status != outcomes.ACCEPTED:
        raise THRESHOLD_CONFIDENCE_NOT_MET(f"{label} at {confidence:.4f} is below {threshold}")
    return event


def filter_batch(batch: dict) -> list[dict]:
    """The batch's results, in its order."""
    given = batch.get("BatchInput", {})
    threshold = events.fraction(given, "threshold", default=SETTINGS.threshold)
    results = []
    for item in batches.items(batch):
        kept = {name: value for name, value in item.items() if name != "left"}
        results.append({**kept, "status": outcomes.choose_status(item, threshold)})
    note(**outcomes.tally(result["status"] for result in results))
    return results
