"""ItemBatcher: items by number and by bytes into the inputs of children."""

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ministack.services import stepfunctions as sfn


class Batch(NamedTuple):
    """The input of a child as JSON, and how many items it holds."""

    text: str
    items: int


_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def batches(
    items: Iterable[object], batch_input: object, max_items: int, max_bytes: int
) -> Iterator[Batch]:
    """`{"BatchInput": ..., "Items": [...]}` for the items, in their order.

    Both limits hold; bytes are those of the whole input in UTF-8, BatchInput included. Raises
    States.DataLimitExceeded for an item that is too large for a batch of its own.
    """
    common = ""
    if batch_input is not None:
        common = f'"BatchInput":{_compact(batch_input)},'
    opening, closing = f'{{{common}"Items":[', "]}"
    empty = len(opening.encode()) + len(closing)
    held: list[str] = []
    size = empty
    for item in map(_compact, items):
        own = len(item.encode())
        if held and (len(held) == max_items or size + 1 + own > max_bytes):
            yield Batch(opening + ",".join(held) + closing, len(held))
            held, size = [], empty
        size += own + bool(held)
        if size > max_bytes:
            raise sfn._ExecutionError(
                "States.DataLimitExceeded",
                f"An item of {own} bytes makes a batch of {size}, more than the {max_bytes} that "
                f"MaxInputBytesPerBatch allows: {item[:200]}",
            )
        held.append(item)
    if held:
        yield Batch(opening + ",".join(held) + closing, len(held))
