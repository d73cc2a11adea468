"""What a run's results add up to, and whether they are those of the images submitted."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field

from handlers.results import STATUSES
from scripts.bulk_runs.entries import Entry


@dataclass
class Fingerprint:
    """Tells a collection of images from another, in whatever order: a sum of their digests."""

    value: int = 0

    def add(self, image: Entry) -> None:
        """Add an image as often as it was listed."""
        place = f"{image.s3_bucket}/{image.s3_key}".encode(errors="replace")
        digest = hashlib.blake2b(place, digest_size=8).digest()
        self.value = (self.value + image.listed * int.from_bytes(digest)) % 2**64


@dataclass
class Counts:
    """Images, each counted as often as it was listed.

    labels: {label: Counter of accepted and review}; errors: {error: images} and causes: {error:
    the first cause}; lines: results, which are as many as there are different images.
    """

    submitted: int = 0
    statuses: Counter = field(default_factory=Counter)
    labels: dict[str, Counter] = field(default_factory=dict)
    errors: Counter = field(default_factory=Counter)
    causes: dict[str, str] = field(default_factory=dict)
    lines: int = 0

    def add(self, result: dict) -> None:
        """Count the result of an image."""
        status, listed = result["status"], result["listed"]
        self.lines += 1
        self.statuses[status] += listed
        if status == "failed":
            self.errors[result["error"]] += listed
            self.causes.setdefault(result["error"], result["cause"])
        elif status in STATUSES:
            self.labels.setdefault(result["label"], Counter())[status] += listed

    @property
    def accepted(self) -> int:
        """Images that the model was sure of."""
        return self.statuses["accepted"]

    @property
    def review(self) -> int:
        """Images that a person should look at."""
        return self.statuses["review"]

    @property
    def failed(self) -> int:
        """Images without an answer."""
        return self.statuses["failed"]

    @property
    def ended(self) -> int:
        """Images with a result, whichever."""
        return self.accepted + self.review + self.failed
