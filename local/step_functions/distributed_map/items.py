"""The items of a Distributed Map: read from S3 (ItemReader), selected (ItemSelector), batched."""

import io
import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ministack.services import s3
from ministack.services import stepfunctions as sfn

from local.step_functions.executions import authorize, compact

READER_FAILED = "States.ItemReaderFailed"

# Expressions that give an item's index or value unchanged. The interpreter takes longer for an item
# than all else that is done with it, so it is not asked for these.
_WHOLE = {f"{{% $states.context.Map.Item.{name} %}}": name for name in ("Index", "Value")}


def read(bucket: str, key: str) -> Iterator[object]:
    """Each item of a JSON Lines object; lines that are blank are none.

    Raises States.ItemReaderFailed for an object that is not there or that the role may not read,
    and for a line that is no JSON.
    """
    authorize("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}", READER_FAILED)
    status, _, body = s3._get_object(bucket, key, {}, {})
    if status != 200:
        # S3 reports that only to a caller that may list the key.
        listed = f"arn:aws:s3:::{bucket}"
        authorize("s3:ListBucket", listed, READER_FAILED, **{"s3:prefix": key})
        missing = "bucket" if status == 404 and b"NoSuchBucket" in body else "key"
        raise sfn._ExecutionError(
            READER_FAILED, f"The specified {missing} does not exist. (Bucket: {bucket}, Key: {key})"
        )
    for number, line in enumerate(io.BytesIO(body), start=1):
        if not line.strip():
            continue
        try:
            yield json.loads(line, parse_constant=_refuse_constant)
        except ValueError as error:
            where = f"line {number} of s3://{bucket}/{key}"
            raise sfn._ExecutionError(READER_FAILED, f"{where} is no JSON: {error}") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def select(
    selector: dict, items: Iterable[object], state_input: object, context: dict
) -> Iterator[object]:
    """Each item as the ItemSelector makes it. Raises States.QueryEvaluationError."""
    for index, value in enumerate(items):
        item = {"Index": index, "Value": value}
        scope = {**context, "Map": {"Item": item}}
        yield {
            name: item[_WHOLE[part]]
            if isinstance(part, str) and part in _WHOLE
            else sfn._apply_jsonata_template(part, state_input, scope)
            for name, part in selector.items()
        }


class Batch(NamedTuple):
    """The input of a child as JSON, and how many items it holds."""

    text: str
    items: int


def batch(
    items: Iterable[object], batch_input: object, max_items: int, max_bytes: int
) -> Iterator[Batch]:
    """`{"BatchInput": ..., "Items": [...]}` for the items, in their order.

    Both limits hold; bytes are those of the whole input in UTF-8, BatchInput included. Raises
    States.DataLimitExceeded for an item that is too large for a batch of its own.
    """
    common = "" if batch_input is None else f'"BatchInput":{compact(batch_input)},'
    opening, closing = f'{{{common}"Items":[', "]}"
    empty = len(opening.encode()) + len(closing)
    texts: list[str] = []
    size = empty
    for item in map(compact, items):
        own = len(item.encode())
        if texts and (len(texts) == max_items or size + 1 + own > max_bytes):
            yield Batch(opening + ",".join(texts) + closing, len(texts))
            texts, size = [], empty
        size += own + bool(texts)
        if size > max_bytes:
            raise sfn._ExecutionError(
                "States.DataLimitExceeded",
                f"An item of {own} bytes makes a batch of {size}, more than the {max_bytes} that "
                f"MaxInputBytesPerBatch allows: {item[:200]}",
            )
        texts.append(item)
    if texts:
        yield Batch(opening + ",".join(texts) + closing, len(texts))
