"""The manifest of a run: a line an image, under a key that is the digest of its content."""

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tqdm import tqdm

from scripts.bulk_runs import objects
from scripts.bulk_runs.distinct import distinct
from scripts.bulk_runs.entries import Entry

PREFIX = "bulk/manifests/"


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
        key = f"{PREFIX}{digest.hexdigest()}.jsonl"
        sent = lines > 0 and objects.send(s3, file, bucket, key)
    return Manifest(key, lines, submitted, dict(elsewhere), sent)
