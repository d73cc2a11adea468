"""The items of a Distributed Map: read from S3 (ItemReader), selected (ItemSelector), batched.

ItemSelector's template is evaluated for each item, which is `$states.context.Map.Item.Value`; its
number, from 0, is `$states.context.Map.Item.Index`
(docs.aws.amazon.com/step-functions/latest/dg/input-output-itemselector.html).

The interpreter takes longer for an item than all else that is done with it. An expression that is
nothing but a path into `$states.context` is looked up without it where only objects lie on the way:
what the last name holds is the result as it is, an array too. JSONata goes through an array on the
way item by item, and a name that is missing is its error: both are left to it.
"""

import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ministack.services import s3
from ministack.services import stepfunctions as sfn

from local.step_functions import role

READER_FAILED = "States.ItemReaderFailed"

_PATH = re.compile(r"\{%\s*\$states\.context((?:\.[A-Za-z_][A-Za-z0-9_]*)+)\s*%\}")
_WORDS = {"and", "or", "in", "true", "false", "null", "function"}  # JSONata's own
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def read(bucket: str, key: str) -> Iterator[object]:
    """Each item of a JSON Lines object; lines that are blank are none.

    Raises States.ItemReaderFailed for an object that is not there or that the role may not read,
    and for a line that is no JSON.
    """
    role.authorize("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}", READER_FAILED)
    status, _, body = s3._get_object(bucket, key, {}, {})
    if status != 200:
        # S3 says so only to whoever may list the key.
        listed = f"arn:aws:s3:::{bucket}"
        role.authorize("s3:ListBucket", listed, READER_FAILED, **{"s3:prefix": key})
        missing = "bucket" if status == 404 and b"NoSuchBucket" in body else "key"
        raise sfn._ExecutionError(
            READER_FAILED, f"The specified {missing} does not exist. (Bucket: {bucket}, Key: {key})"
        )
    for number, line in enumerate(io.BytesIO(body), start=1):
        if not line.strip():
            continue
        try:
            item = json.loads(line, parse_constant=_refuse_constant)
        except ValueError as error:
            where = f"line {number} of s3://{bucket}/{key}"
            raise sfn._ExecutionError(READER_FAILED, f"{where} is no JSON: {error}") from None
        yield item


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def select(
    selector: dict, items: Iterable[object], state_input: object, context: dict
) -> Iterator[object]:
    """Each item as the ItemSelector makes it. Raises States.QueryEvaluationError."""
    prepared = _prepare(selector)
    for index, value in enumerate(items):
        own = {**context, "Map": {"Item": {"Index": index, "Value": value}}}
        yield _evaluate(prepared, state_input, own)


class _Path(NamedTuple):
    """The names of a path into the context, and its expression."""

    names: list[str]
    expression: str


def _prepare(template: object) -> object:
    """The template with its paths in the place of their expressions."""
    if isinstance(template, dict):
        return {name: _prepare(part) for name, part in template.items()}
    if isinstance(template, list):
        return [_prepare(part) for part in template]
    found = _PATH.fullmatch(template) if isinstance(template, str) else None
    names = found[1].split(".")[1:] if found else []
    return _Path(names, template) if names and not _WORDS & set(names) else template


def _evaluate(template: object, state_input: object, context: dict) -> object:
    if isinstance(template, dict):
        return {name: _evaluate(part, state_input, context) for name, part in template.items()}
    if isinstance(template, list):
        return [_evaluate(part, state_input, context) for part in template]
    if not isinstance(template, _Path):
        return sfn._apply_jsonata_template(template, state_input, context)
    value: object = context
    for name in template.names:
        if not isinstance(value, dict) or name not in value:
            return sfn._apply_jsonata_template(template.expression, state_input, context)
        value = value[name]
    return value


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
    common = "" if batch_input is None else f'"BatchInput":{_compact(batch_input)},'
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
