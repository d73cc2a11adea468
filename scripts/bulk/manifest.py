"""The manifest of a run: a line an image, each once, under a key that is its content's digest."""

import hashlib
import json
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple

from tqdm import tqdm

from handlers import events
from handlers.errors import InvalidInput
from service import storage
from service.keys import MANIFESTS
from service.terminal import UserError

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


def parse_entry(line: bytes, own_bucket: str) -> Entry:
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


def distinct(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield each image once, where it was listed first, with how often it was listed in all.

    A database in a temporary file remembers them: millions take no more memory than a few.
    """
    with closing(sqlite3.connect("", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute(
            "CREATE TABLE images (place INTEGER PRIMARY KEY, s3_bucket TEXT NOT NULL, "
            "s3_key TEXT NOT NULL, listed INTEGER NOT NULL, UNIQUE (s3_bucket, s3_key))"
        )
        database.execute("BEGIN")
        database.executemany(
            "INSERT INTO images (s3_bucket, s3_key, listed) VALUES (?, ?, ?) "
            "ON CONFLICT (s3_bucket, s3_key) DO UPDATE SET listed = listed + excluded.listed",
            entries,
        )
        rows = database.execute("SELECT s3_bucket, s3_key, listed FROM images ORDER BY place")
        yield from map(Entry._make, rows)


@dataclass(frozen=True)
class Manifest:
    """A manifest in the bucket.

    lines: how many it has; submitted: how many images were listed, of which `elsewhere`
    {bucket: images} lie outside the service's bucket; sent: whether it was not there before.
    """

    key: str
    lines: int
    submitted: int
    elsewhere: dict[str, int]
    sent: bool


def publish(s3, bucket: str, entries: Iterable[Entry], keep_duplicates: bool = False) -> Manifest:
    """Write the images' manifest into the bucket, each image once or, as asked, each line."""
    listed = tqdm(entries, "List", unit="image", disable=None)
    digest, elsewhere, lines, submitted = hashlib.sha256(), Counter(), 0, 0
    with tempfile.TemporaryFile() as file:
        for entry in listed if keep_duplicates else distinct(listed):
            line = entry.to_line()
            digest.update(line)
            file.write(line)
            lines += 1
            submitted += entry.listed
            if entry.s3_bucket:
                elsewhere[entry.s3_bucket] += entry.listed
        key = f"{MANIFESTS}{digest.hexdigest()}.jsonl"
        sent = lines > 0 and storage.send_file(s3, file, bucket, key)
    return Manifest(key, lines, submitted, dict(elsewhere), sent)
