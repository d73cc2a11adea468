"""An entry of a manifest: one image, and how many times it was listed."""

import json
from typing import Any, NamedTuple

from handlers import events
from handlers.errors import InvalidInput
from scripts.cli import UserError

FIELDS = {"s3_bucket", "s3_key", "listed"}
IGNORED = {"image_data", "inferences"}  # Empty in the batches of the course; `classify` takes them.
KEY_BYTES = 1024  # S3 has no longer keys, and the state machine reckons with that.
BUCKET_LENGTH = 63
LISTED_MOST = 10**9
LINE_BYTES = 8 * 2**20


class Entry(NamedTuple):
    """An image; an empty bucket is the service's own."""

    s3_bucket: str
    s3_key: str
    listed: int = 1

    def to_line(self) -> bytes:
        """Return the entry as the manifest holds it, a line of JSON in UTF-8."""
        line: dict[str, Any] = {"s3_key": self.s3_key}
        if self.s3_bucket:
            line["s3_bucket"] = self.s3_bucket
        if self.listed > 1:
            line["listed"] = self.listed
        return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def parse(line: bytes, own_bucket: str) -> Entry:
    """Return the entry in a line of a manifest. Raises UserError that says what is wrong."""
    if len(line) > LINE_BYTES:
        raise UserError(f"it has more than {LINE_BYTES:,} bytes")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise UserError("it is not JSON") from None
    if not isinstance(value, dict):
        raise UserError('it is not an object such as {"s3_key": "photos/1.jpg"}')
    unknown = sorted(value.keys() - FIELDS - IGNORED)
    if unknown:
        raise UserError(f"unknown field {unknown[0]!r}; it may have {', '.join(sorted(FIELDS))}")
    if "s3_key" not in value:
        raise UserError("it lacks s3_key")
    key = _text(value, "s3_key", KEY_BYTES)
    bucket = _text({"s3_bucket": own_bucket, **value}, "s3_bucket", BUCKET_LENGTH)
    listed = value.get("listed", 1)
    if type(listed) is not int or not 1 <= listed <= LISTED_MOST:
        raise UserError(f"listed must be a whole number from 1 to {LISTED_MOST:,}")
    return Entry("" if bucket == own_bucket else bucket, key, listed)


def _text(line: dict, name: str, most: int) -> str:
    try:
        text = events.text(line, name)
    except InvalidInput as error:
        raise UserError(str(error)) from None
    length = len(text.encode())
    if length > most:
        raise UserError(f"{name} has {length} bytes; S3 allows {most}")
    return text
