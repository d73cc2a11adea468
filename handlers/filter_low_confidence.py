"""Accepts photos of which the model is sure; a person looks at the others."""

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
    InvalidInput and, for one photo alone, THRESHOLD_CONFIDENCE_NOT_MET if the confidence is below
    the threshold, by default the service's.
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
    batch_input = batch.get("BatchInput", {})
    threshold = events.fraction(batch_input, "threshold", default=SETTINGS.threshold)
    results = []
    for item in batches.items(batch):
        result = {**item, "status": outcomes.choose_status(item, threshold)}
        result.pop("left", None)
        results.append(result)
    note(**outcomes.tally(result["status"] for result in results))
    return results
