"""What Step Functions' ResultWriter leaves in S3, as results, a line an image.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
"""

import json
from collections.abc import Iterable, Iterator

from handlers import batches

STATUSES = ("accepted", "review", "failed")


def of_file(kind: str, lines: Iterable[bytes], own_bucket: str) -> Iterator[dict]:
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
        else:
            error = (row.get("Error") or row["Status"], _sentence(row.get("Cause") or ""))
            for item in json.loads(row["Input"])["Items"]:
                place = {"s3_bucket": own_bucket, **item} if isinstance(item, dict) else item
                yield {**batches.failed_of(place, *error), "status": "failed"}


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


def count(results: Iterable[dict]) -> dict[str, int]:
    """How many images were submitted, and how many ended how: each as often as it was listed."""
    counts = dict.fromkeys(STATUSES, 0)
    for result in once(results):
        counts[result["status"]] += batches.listed(result)
    return {"submitted": sum(counts.values()), **counts}


def _sentence(cause: str) -> str:
    """What a Cause says: of the JSON that Lambda makes of an exception, the message alone."""
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, TypeError, KeyError):
        return cause
