"""The images of batches that failed, of which Step Functions keeps a record a batch."""

import json
from collections.abc import Iterator
from contextlib import suppress

CAUSE_LENGTH = 150  # as in the results of images that failed by themselves


def items(child: dict) -> list[dict]:
    """Return the manifest's lines that a child execution was given."""
    return json.loads(child["Input"])["Items"]


def results(child: dict) -> Iterator[dict]:
    """Yield a failed result for each image of a child execution that failed, with its reason."""
    error = child.get("Error") or child["Status"]
    cause = sentence(child.get("Cause") or "The batch did not come to its end.")
    for item in items(child):
        yield {**item, "status": "failed", "error": error, "cause": cause}


def sentence(cause: str) -> str:
    """Return what a Cause says: of the JSON that Lambda makes it, the message alone."""
    with suppress(ValueError, TypeError, KeyError):
        cause = json.loads(cause)["errorMessage"]
    return " ".join(str(cause).split())[:CAUSE_LENGTH]
