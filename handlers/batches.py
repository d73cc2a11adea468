"""Batches of a Distributed Map, as they go from function to function.

A batch is `{"BatchInput": {"threshold"}, "Items": [...]}`. An item comes as `{"index", "photo"}`:
its position in the manifest, from 0, and its line. Then it is a photo with `index`, `s3_bucket`,
`s3_key` and, if the manifest names it more than once, the number of times as `listed`. A failed
photo keeps its position and has `error` and `cause`. If another try may succeed it has `left` too,
the number of tries so far; the batch's `left` is the number of these photos.
"""

from typing import Any

from handlers import events
from handlers.errors import InvalidInput


def is_batch(event: Any) -> bool:
    """Whether the event is a batch; else it is one photo."""
    return isinstance(event, dict) and "Items" in event


def items(batch: dict) -> list:
    """The batch's items. Raises InvalidInput."""
    if not isinstance(batch["Items"], list) or not batch["Items"]:
        raise InvalidInput("Items must be a list that is not empty")
    return batch["Items"]


def location(item: Any, own_bucket: str) -> dict:
    """The item's `s3_bucket`, `s3_key` and, if it has them, `index` and `listed`.

    Raises InvalidInput.
    """
    index, photo = index_and_photo(item)
    if not isinstance(photo, dict):
        raise InvalidInput(f"a line of the manifest must be an object, not {type(photo).__name__}")
    place = {**index, "s3_bucket": events.text({"s3_bucket": own_bucket, **photo}, "s3_bucket")}
    place["s3_key"] = events.text(photo, "s3_key")
    if "listed" in photo:
        if not _is_count(photo["listed"]):
            raise InvalidInput("listed must be a whole number from 1")
        place["listed"] = photo["listed"]
    return place


def times_listed(item: dict) -> int:
    """The number of times that the photo counts: `listed`, or 1 if that is no whole number."""
    return item["listed"] if _is_count(item.get("listed")) else 1


def batch_input(batch: dict) -> dict:
    """The fields of the batch that the next function needs beside the items."""
    return {name: batch[name] for name in batch if name == "BatchInput"}


def index_and_photo(item: Any) -> tuple[dict, Any]:
    """The item's index as `{"index"}`, and its line of the manifest.

    Items of runs that began before the service was updated have no index.
    """
    if not isinstance(item, dict) or not isinstance(item.get("index"), int):
        return {}, item
    photo = item["photo"] if item.keys() == {"index", "photo"} else item
    return {"index": item["index"]}, photo


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
