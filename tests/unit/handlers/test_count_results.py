import json

import pytest

from handlers import count_results, errors, outcomes
from tests.unit.handlers.calls import CONTEXT
from tests.unit.handlers.test_batches import Bucket

PREFIX = "bulk/results/run/map"
BATCH = {"BatchInput": {"threshold": 0.5}, "Items": [{"s3_key": "a"}, {"s3_key": "b", "listed": 4}]}
FAILED = {
    "Name": "child",
    "Status": "FAILED",
    "Error": "EndpointUnavailable",
    "Cause": '{"errorMessage": "down"}',
    "Input": json.dumps(BATCH),
}


def lines(*rows: dict) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@pytest.fixture
def s3(monkeypatch):
    bucket = Bucket()
    monkeypatch.setattr(count_results, "S3", bucket)
    return bucket


def count(s3, **files: list[bytes]):
    named = {}
    for kind, bodies in files.items():
        for number, content in enumerate(bodies):
            key = f"{PREFIX}/{kind}_{number}.jsonl"
            s3.objects["photos", key] = content
            named.setdefault(kind, []).append({"Key": key, "Size": len(content)})
    manifest = {"DestinationBucket": "photos", "ResultFiles": named}
    s3.objects["photos", f"{PREFIX}/manifest.json"] = json.dumps(manifest).encode()
    place = {"s3_bucket": "photos", "s3_key": f"{PREFIX}/manifest.json"}
    return count_results.handler(place, CONTEXT)


def test_images_count_as_often_as_they_were_listed(s3):
    accepted, review = {"status": "accepted"}, {"status": "review", "listed": 3}
    counts = count(
        s3,
        SUCCEEDED=[lines(accepted, review), b"\n" + lines(accepted, {"status": "failed"})],
        FAILED=[lines(FAILED, {**FAILED, "Status": "TIMED_OUT"})],
        PENDING=[],
    )
    assert counts == {"submitted": 16, "accepted": 2, "review": 3, "failed": 11}


def test_a_batch_that_comes_twice_counts_once(s3):
    """Once as results and once as failed, too: an Express execution runs at least once."""
    results = [{"index": 0, "status": "accepted"}, {"index": 1, "status": "review", "listed": 2}]
    items = [{"index": index, "photo": {"s3_key": "same"}} for index in (0, 1, 2)]
    failed = {**FAILED, "Input": json.dumps({**BATCH, "Items": items})}
    counts = count(s3, SUCCEEDED=[lines(*results, *results)], FAILED=[lines(failed, failed)])
    assert counts == {"submitted": 4, "accepted": 1, "review": 2, "failed": 1}
    assert set(count(s3).values()) == {0}


def test_images_of_a_failed_batch_keep_their_index_and_lie_where_the_manifest_says():
    photos = [{"s3_key": "a"}, {"s3_bucket": "guests", "s3_key": "b", "listed": 4}, "no image"]
    items = [{"index": index, "photo": photo} for index, photo in enumerate(photos, start=7)]
    failed = {**FAILED, "Input": json.dumps({**BATCH, "Items": items})}
    found = list(outcomes.read_results("FAILED", [json.dumps(failed)], "own"))
    assert [(r["index"], r["s3_bucket"], r["s3_key"], r.get("listed")) for r in found] == [
        (7, "own", "a", None),
        (8, "guests", "b", 4),
        (9, None, None, None),
    ]


def test_batches_that_were_never_started_are_no_result(s3):
    with pytest.raises(errors.InvalidInput, match="never started"):
        count(s3, SUCCEEDED=[lines({"status": "accepted"})], PENDING=[lines(FAILED)])


def test_what_is_no_result_or_no_manifest_is_refused(s3):
    for content in (b"no json\n", b"[]\n", b'{"status": "lost"}\n'):
        with pytest.raises(errors.InvalidInput, match="no result"):
            count(s3, SUCCEEDED=[content])
    for manifest in (b"", b"{}", b'{"ResultFiles": 7}'):
        s3.objects["photos", "manifest.json"] = manifest
        with pytest.raises(errors.InvalidInput, match="no result"):
            count_results.handler({"s3_bucket": "photos", "s3_key": "manifest.json"}, CONTEXT)
