"""Batches of a Distributed Map: what its children hand from function to function.

A batch is `{"BatchInput": {"threshold"}, "Items": [...]}`; an item names an image by `s3_bucket`
and `s3_key`, and by `listed` how often the manifest names it, if not once. A failed image keeps its
place, with `error` and `cause`.
"""

import re
from typing import Any

from handlers import events
from handlers.errors import HandlerError, InvalidInput

# A result has a bounded size, whatever went wrong: classify.asl.yml cuts causes in the same way.
ERROR_LENGTH = 64
CAUSE_LENGTH = 150
NOT_PLAIN = re.compile(r"[^ !#-\x5b\x5d-~]+")


def is_batch(event: Any) -> bool:
    """Whether the function is asked for a batch rather than for one image."""
    return isinstance(event, dict) and "Items" in event


def items(batch: dict) -> list:
    """The batch's items. Raises InvalidInput."""
    if not isinstance(batch["Items"], list) or not batch["Items"]:
        raise InvalidInput("Items must be a list that is not empty")
    return batch["Items"]


def location(item: Any, own_bucket: str) -> dict:
    """Where an item of a manifest says that its image lies, and how often it is `listed`.

    Raises InvalidInput.
    """
    if not isinstance(item, dict):
        raise InvalidInput(f"a line of the manifest must be an object, not {type(item).__name__}")
    found = {"s3_bucket": events.text({"s3_bucket": own_bucket, **item}, "s3_bucket")}
    found["s3_key"] = events.text(item, "s3_key")
    if "listed" in item:
        if not _is_count(item["listed"]):
            raise InvalidInput("listed must be a whole number from 1")
        found["listed"] = item["listed"]
    return found


def listed(item: dict) -> int:
    """How often the image counts: once, too, where `listed` is something that it must not be."""
    return item["listed"] if _is_count(item.get("listed")) else 1


def failed(item: Any, error: HandlerError) -> dict:
    """The item with what is wrong with it; of one that is no item, what can be told of it."""
    return failed_of(item, type(error).__name__, str(error))


def failed_of(item: Any, error: str, cause: str) -> dict:
    """The item with the error that it failed of, given by name."""
    known = item if isinstance(item, dict) else {}
    names = ("s3_bucket", "s3_key")
    kept = {name: known[name] if isinstance(known.get(name), str) else None for name in names}
    if listed(known) > 1:
        kept["listed"] = known["listed"]
    return {
        **kept,
        "error": error[:ERROR_LENGTH],
        "cause": NOT_PLAIN.sub("?", cause)[:CAUSE_LENGTH],
    }


def has_failed(item: dict) -> bool:
    """Whether the image has failed already."""
    return "error" in item


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
