"""How a photo can end: the statuses, the row of one that failed, the lines of results, the counts.

A Distributed Map's results lie in files of such lines:
https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
"""

import json
import re
import struct
from collections.abc import Iterable, Iterator
from typing import Any

from handlers import batches, events
from handlers.batches import index_and_photo, listed
from handlers.errors import HandlerError

# A result has a bounded size, whatever went wrong: classify.asl.yml cuts causes in the same way.
ERROR_LENGTH = 64
CAUSE_LENGTH = 150
NOT_PLAIN = re.compile(r"[^ !#-\x5b\x5d-~]+")

# Every photo ends in exactly one of STATUSES; of the LABELLED the model's label is known.
LABELLED = ACCEPTED, REVIEW = ("accepted", "review")
FAILED = "failed"
STATUSES = (*LABELLED, FAILED)

FLOAT32 = struct.Struct("f")


def choose_status(item: dict, threshold: float) -> str:
    """How the image ends, one of STATUSES. Raises InvalidInput for a confidence that is none."""
    if has_failed(item):
        return FAILED
    return judge(events.fraction(item, "confidence"), threshold)


def judge(confidence: float, threshold: float) -> str:
    """ACCEPTED from the threshold on, both from 0 to 1; below it REVIEW.

    Compared as float32, which is what the model answers in and what its captures hold, so that
    whoever judges an image again judges alike (model/training/evaluation.accepted).
    """
    return ACCEPTED if _as_float32(confidence) >= _as_float32(threshold) else REVIEW


def _as_float32(value: float) -> float:
    return FLOAT32.unpack(FLOAT32.pack(value))[0]  # NumPy would double the cold start


def failed_row(item: Any, error: HandlerError) -> dict:
    """The item with the error that it failed of; s3_bucket or s3_key that are no text are None."""
    return make_failed_row(item, type(error).__name__, str(error))


def make_failed_row(item: Any, error: str, cause: str) -> dict:
    """As `failed_row`, of an error that is given by name."""
    index, photo = index_and_photo(item)
    known = photo if isinstance(photo, dict) else {}
    names = ("s3_bucket", "s3_key")
    kept = {name: known[name] if isinstance(known.get(name), str) else None for name in names}
    if listed(known) > 1:
        kept["listed"] = known["listed"]
    return {
        **index,
        **kept,
        "error": error[:ERROR_LENGTH],
        "cause": NOT_PLAIN.sub("?", cause)[:CAUSE_LENGTH],
    }


def has_failed(item: dict) -> bool:
    """Whether the image has failed already."""
    return "error" in item


def read_results(kind: str, lines: Iterable[bytes], own_bucket: str) -> Iterator[dict]:
    """The results in the lines of a file of that kind, SUCCEEDED or FAILED.

    A batch that succeeded left a line an image. One that failed left one line, with its input and
    the error: all its images failed of that; `own_bucket` is where those lie that name no bucket.
    Raises ValueError for a line that is not JSON, KeyError or TypeError for one that is no result.
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


def once(results: Iterable[dict]) -> Iterator[dict]:
    """The first result of each of the manifest's items, by `index`, and all that have none.

    An Express execution runs at least once, so that a batch may leave its results twice:
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
    """How many images were submitted, and how many ended how: each as often as it was listed."""
    counts = tally(())
    for result in once(results):
        counts[result["status"]] += batches.listed(result)
    return {"submitted": sum(counts.values()), **counts}


def tally(statuses: Iterable[str]) -> dict[str, int]:
    """How often each of STATUSES stands among these, 0 too. Raises KeyError for any other."""
    counts = dict.fromkeys(STATUSES, 0)
    for status in statuses:
        counts[status] += 1
    return counts


def count_failed(items: Iterable[dict]) -> int:
    """How many of a batch's items have failed so far."""
    return sum(map(has_failed, items))


def _read_message(cause: str) -> str:
    """The exception's message in the JSON that Lambda gives as Cause; any other Cause as it is."""
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, TypeError, KeyError):
        return cause
