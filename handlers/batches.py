"""Batches of a Distributed Map: what its children hand from function to function.

A batch is `{"BatchInput": {"threshold"}, "Items": [...]}`. An item comes as
`{"index", "photo"}`: which of the manifest's items it is, from 0, and what stands there. From then
on it names an image by `index`, `s3_bucket` and `s3_key`, and by `listed` how often the manifest
names it, if not once. A failed image keeps its place, with `error` and `cause`; one that another
try may mend has `left` too, how often it was tried, and the batch `left`, how many such it has.
"""

from typing import Any

from handlers import events
from handlers.errors import InvalidInput


def is_batch(event: Any) -> bool:
    """Whether the function is asked for a batch rather than for one image."""
    return isinstance(event, dict) and "Items" in event


def items(batch: dict) -> list:
    """The batch's items. Raises InvalidInput."""
    if not isinstance(batch["Items"], list) or not batch["Items"]:
        raise InvalidInput("Items must be a list that is not empty")
    return batch["Items"]


def location(item: Any, own_bucket: str) -> dict:
    """Where an item says that its image lies, how often it is `listed`, and its `index`.

    Raises InvalidInput.
    """
    index, photo = index_and_photo(item)
    if not isinstance(photo, dict):
        raise InvalidInput(f"a line of the manifest must be an object, not {type(photo).__name__}")
    found = {**index, "s3_bucket": events.text({"s3_bucket": own_bucket, **photo}, "s3_bucket")}
    found["s3_key"] = events.text(photo, "s3_key")
    if "listed" in photo:
        if not _is_count(photo["listed"]):
            raise InvalidInput("listed must be a whole number from 1")
        found["listed"] = photo["listed"]
    return found


def listed(item: dict) -> int:
    """How often the image counts: once where `listed` is missing or no whole number from 1."""
    return item["listed"] if _is_count(item.get("listed")) else 1


def is_left(item: dict) -> bool:
    """Whether the image has failed of what another try may mend."""
    return "left" in item


def rounds(item: dict) -> int:
    """How often S3 was asked for the image in vain."""
    return item.get("left", 0)


def batch_input(batch: dict) -> dict:
    """What the next function needs of the batch as a whole."""
    return {name: batch[name] for name in batch if name == "BatchInput"}


def index_and_photo(item: Any) -> tuple[dict, Any]:
    """The item's `index`, as a field, and what names its image.

    Runs that were under way when the service was updated go on with items without an index.
    """
    if not isinstance(item, dict) or not isinstance(item.get("index"), int):
        return {}, item
    photo = item["photo"] if item.keys() == {"index", "photo"} else item
    return {"index": item["index"]}, photo


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
