"""How a photo can end: statuses, rows of failed photos, result lines, counts.

The files of a Distributed Map's results:
https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
"""

import json
import re
import struct
from collections.abc import Iterable, Iterator
from typing import Any

from handlers import events
from handlers.batches import index_and_photo, times_listed
from handlers.errors import HandlerError

# They bound the size of a result. classify.asl.yml cuts errors and causes alike.
ERROR_LENGTH = 64
CAUSE_LENGTH = 150
NOT_PLAIN = re.compile(r"[^ !#-\x5b\x5d-~]+")

# Every photo ends in exactly one of STATUSES; results of LABELLED have the model's label.
LABELLED = ACCEPTED, REVIEW = ("accepted", "review")
FAILED = "failed"
STATUSES = (*LABELLED, FAILED)

FLOAT32 = struct.Struct("f")


def choose_status(item: dict, threshold: float) -> str:
    """The photo's status. Raises InvalidInput if its confidence is no number from 0 to 1."""
    if has_failed(item):
        return FAILED
    return judge(events.fraction(item, "confidence"), threshold)


def judge(confidence: float, threshold: float) -> str:
    """ACCEPTED from the threshold on, REVIEW below it; both numbers are from 0 to 1.

    They are compared as float32, the type of the model's answers and of their captures, so that
    model/training/evaluation.accepted judges alike.
    """
    return ACCEPTED if _as_float32(confidence) >= _as_float32(threshold) else REVIEW


def _as_float32(value: float) -> float:
    return FLOAT32.unpack(FLOAT32.pack(value))[0]  # NumPy would double the cold start


def failed_row(item: Any, error: HandlerError) -> dict:
    """The item with its error; an s3_bucket or s3_key that is no text is None."""
    return make_failed_row(item, type(error).__name__, str(error))


def make_failed_row(item: Any, error: str, cause: str) -> dict:
    """As `failed_row`, for an error by name."""
    index, photo = index_and_photo(item)
    fields = photo if isinstance(photo, dict) else {}
    names = ("s3_bucket", "s3_key")
    place = {name: fields[name] if isinstance(fields.get(name), str) else None for name in names}
    if times_listed(fields) > 1:
        place["listed"] = fields["listed"]
    return {
        **index,
        **place,
        "error": error[:ERROR_LENGTH],
        "cause": NOT_PLAIN.sub("?", cause)[:CAUSE_LENGTH],
    }


def has_failed(item: dict) -> bool:
    """Whether the photo has failed already."""
    return "error" in item


def read_results(kind: str, lines: Iterable[bytes], own_bucket: str) -> Iterator[dict]:
    """The results in the lines of a file of that kind, SUCCEEDED or FAILED.

    A batch that succeeded left a line a photo. A batch that failed left one line, with its input
    and the error of all its photos; photos without a bucket are in `own_bucket`. Raises ValueError
    for a line that is not JSON, KeyError or TypeError for a line that is no result.
    """
    for line in lines:
        if not line.strip():
            continue
        row = json.loads(line)
        if kind == "SUCCEEDED":
            yield row
            continue
        error = (row.get("Error") or row["Status"], _read_message(row.get("Cause") or ""))
        for item in json.loads(row["Input"])["Items"]:
            index, photo = index_and_photo(item)
            if isinstance(photo, dict):
                item = {"s3_bucket": own_bucket, **photo, **index}
            yield {**make_failed_row(item, *error), "status": FAILED}


def drop_repeats(results: Iterable[dict]) -> Iterator[dict]:
    """The first result for each `index` of the manifest, and all results without an index.

    An Express execution runs at least once, so a batch may leave its results twice:
    https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html
    """
    seen = bytearray()
    for result in results:
        if (index := result.get("index")) is not None:
            if index >= len(seen):
                seen.extend(bytes(index + 1 - len(seen)))
            if seen[index]:
                continue
            seen[index] = True
        yield result


def count_statuses(results: Iterable[dict]) -> dict[str, int]:
    """Counts of photos, submitted and by status; each photo counts as often as it was listed."""
    counts = tally(())
    for result in drop_repeats(results):
        counts[result["status"]] += times_listed(result)
    return {"submitted": sum(counts.values()), **counts}


def tally(statuses: Iterable[str]) -> dict[str, int]:
    """The count of each of STATUSES, 0 too. Raises KeyError for any other status."""
    counts = dict.fromkeys(STATUSES, 0)
    for status in statuses:
        counts[status] += 1
    return counts


def count_failed(items: Iterable[dict]) -> int:
    """The number of a batch's items that have failed so far."""
    return sum(map(has_failed, items))


def _read_message(cause: str) -> str:
    """The exception's message in Lambda's Cause, which is JSON; any other Cause as it is."""
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, TypeError, KeyError):
        return cause
