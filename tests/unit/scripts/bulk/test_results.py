import csv
import json

import pytest

from scripts.bulk.results import COLUMNS, gather, written
from service.terminal import UserError
from tests.unit.scripts.bulk.memory_states import BUCKET, STACK, MemoryCloud

MANIFEST = "bulk/manifests/m.jsonl"
FOLDER = "bulk/results/run/0b1c"
EXECUTION = {
    "name": "run",
    "status": "SUCCEEDED",
    "input": json.dumps({"manifest": {"s3_bucket": BUCKET, "s3_key": MANIFEST}}),
}

RESULTS = [
    {
        "s3_bucket": "own",
        "s3_key": 'a,"é\n.png',
        "status": "accepted",
        "label": "bicycle",
        "confidence": 0.97,
        "inference_id": "x/0",
        "listed": 2,
    },
    {
        "s3_bucket": "own",
        "s3_key": "b.png",
        "status": "failed",
        "error": "InvalidImage",
        "cause": "empty",
        "listed": 1,
    },
]


def image(key: str, **more) -> dict:
    return {"s3_bucket": BUCKET, "s3_key": key, **more}


def accepted(key: str, **more) -> dict:
    answer = {"label": "bicycle", "confidence": 0.99, "inference_id": "x/0"}
    return image(key, status="accepted", **answer, **more)


def in_review(key: str, **more) -> dict:
    answer = {"label": "motorcycle", "confidence": 0.6, "inference_id": "x/1"}
    return image(key, status="review", **answer, **more)


def failed(key: str, **more) -> dict:
    return image(key, status="failed", error="InvalidImage", cause="the file is empty", **more)


def child(*items: dict, status: str = "FAILED", **more) -> dict:
    numbered = [{"index": index, "photo": item} for index, item in enumerate(items)]
    given = {"BatchInput": {}, "Items": numbered}
    return {"ExecutionArn": "…", "Input": json.dumps(given), "Status": status, **more}


def ended(submitted: list[dict], **files: list[dict]) -> MemoryCloud:
    """A cloud where the run has ended with these result files."""
    cloud = MemoryCloud()

    def put(key: str, lines: list[dict]) -> None:
        body = "".join(json.dumps(line) + "\n" for line in lines).encode()
        cloud.s3.put_object(BUCKET, key, body, "")

    put(MANIFEST, submitted)
    written: dict[str, list] = {"SUCCEEDED": [], "FAILED": [], "PENDING": []}
    for name, lines in files.items():
        key = f"{FOLDER}/{name}.jsonl"
        put(key, lines)
        written[name.split("_")[0]].append({"Key": key, "Size": 1})
    body = {"DestinationBucket": BUCKET, "ResultFiles": written}
    cloud.s3.put_object(BUCKET, f"{FOLDER}/manifest.json", json.dumps(body).encode(), "")
    return cloud


def collect(cloud: MemoryCloud, execution: dict = EXECUTION):
    found = []
    return gather(cloud, STACK, execution, found.append), found


def test_every_image_has_one_result_from_whichever_file():
    cloud = ended(
        [{"s3_key": "a", "listed": 3}, {"s3_key": "b"}, {"s3_key": "c"}, {"s3_key": "d"}],
        SUCCEEDED_0=[accepted("a", listed=3), failed("c")],
        SUCCEEDED_1=[in_review("b")],
        FAILED_0=[child({"s3_key": "d"}, Error="EndpointUnavailable", Cause="down")],
    )
    counts, found = collect(cloud)
    assert [(r["s3_key"], r["status"], r["listed"]) for r in found] == [
        ("a", "accepted", 3),
        ("c", "failed", 1),
        ("b", "review", 1),
        ("d", "failed", 1),
    ]
    assert counts.submitted == counts.ended == 6
    assert counts.statuses == {"accepted": 3, "review": 1, "failed": 2}
    assert counts.lines == 4
    assert counts.labels == {"bicycle": {"accepted": 3}, "motorcycle": {"review": 1}}
    assert counts.errors == {"InvalidImage": 1, "EndpointUnavailable": 1}


@pytest.mark.parametrize(
    ("ending", "error", "cause"),
    [
        (
            {"Error": "Timeout", "Cause": '{"errorMessage": "not\\n in time", "errorType": "T"}'},
            "Timeout",
            "not? in time",
        ),
        ({"Error": "States.Runtime", "Cause": "x" * 500}, "States.Runtime", "x" * 150),
        ({"status": "TIMED_OUT"}, "TIMED_OUT", ""),
        ({"status": "ABORTED", "Error": None, "Cause": "[1]"}, "ABORTED", "[1]"),
    ],
)
def test_images_of_a_failed_batch_fail_for_its_reason(ending, error, cause):
    batch = child({"s3_key": "a", "listed": 2}, {"s3_bucket": "other", "s3_key": "b"}, **ending)
    cloud = ended(
        [{"s3_key": "a", "listed": 2}, {"s3_bucket": "other", "s3_key": "b"}], FAILED_0=[batch]
    )
    counts, found = collect(cloud, {**EXECUTION, "status": "FAILED"})
    reason = {"status": "failed", "error": error, "cause": cause}
    assert found == [
        {"index": 0, "s3_bucket": BUCKET, "s3_key": "a", "listed": 2, **reason},
        {"index": 1, "s3_bucket": "other", "s3_key": "b", "listed": 1, **reason},
    ]
    assert counts.statuses["failed"] == counts.submitted == 3


def test_lines_that_name_no_image_are_counted_as_what_they_are():
    none = {"status": "failed", "error": "InvalidInput", "cause": "no"}
    cloud = ended(
        [{"s3_key": 7}, {"listed": 2}, {"s3_key": "a", "listed": -3}],
        SUCCEEDED_0=[
            {"s3_bucket": None, "s3_key": None, **none},
            {"s3_bucket": None, "s3_key": None, "listed": 2, **none},
            {"s3_bucket": None, "s3_key": "a", **none},
        ],
    )
    counts, found = collect(cloud)
    assert counts.statuses["failed"] == counts.submitted == 4
    assert [result["listed"] for result in found] == [1, 2, 1]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"SUCCEEDED_0": [accepted("a")]}, "no result for 4 of 5 images"),
        ({"SUCCEEDED_0": [accepted("a"), in_review("b")]}, "no result for 3 of 5 images"),
        (
            {
                "FAILED_0": [child({"s3_key": "a"}, Error="EndpointNotFound", Cause="")],
                "PENDING_0": [child({"s3_key": "b"}, {"s3_key": "c", "listed": 3})],
            },
            "4 of 5 images, 4 of them in batches that never started.*EndpointNotFound.*--again",
        ),
        (
            {"SUCCEEDED_0": [accepted("a"), in_review("b", listed=2), failed("c", listed=3)]},
            "has 1 results more than images were submitted",
        ),
        (
            {"SUCCEEDED_0": [accepted("a"), accepted("a"), failed("c", listed=3)]},
            "of other images",
        ),
        (
            {"SUCCEEDED_0": [accepted("a", listed=3), in_review("b"), failed("c")]},
            "of other images",
        ),
        (
            {"SUCCEEDED_0": [accepted("a"), image("b", status="skipped"), failed("c", listed=3)]},
            "no result for 1 of 5",
        ),
    ],
)
def test_results_that_are_not_those_of_the_images_submitted_are_refused(files, said):
    cloud = ended([{"s3_key": "a"}, {"s3_key": "b"}, {"s3_key": "c", "listed": 3}], **files)
    with pytest.raises(UserError, match=said):
        collect(cloud)


def test_a_run_that_goes_on_has_no_results_yet():
    with pytest.raises(UserError, match=r"status --follow"):
        collect(MemoryCloud(), {**EXECUTION, "status": "RUNNING"})


def test_a_run_without_result_files_says_why_it_failed():
    execution = {**EXECUTION, "status": "FAILED", "error": "InvalidManifest", "cause": "empty"}
    with pytest.raises(UserError, match=r"ended FAILED without results\. InvalidManifest: empty"):
        collect(MemoryCloud(), execution)


def test_result_files_of_a_run_whose_name_begins_alike_are_not_its_own():
    cloud = ended([{"s3_key": "a"}], SUCCEEDED_0=[accepted("a")])
    with pytest.raises(UserError, match="without results"):
        collect(cloud, {**EXECUTION, "name": "ru"})


def write(path, results=RESULTS) -> None:
    with written(path) as add:
        for result in results:
            add({**result, "of_no_interest": 1})


def test_json_lines_hold_what_each_result_has(tmp_path):
    write(tmp_path / "r.jsonl")
    lines = (tmp_path / "r.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == RESULTS


def test_csv_has_every_column_in_every_row(tmp_path):
    write(tmp_path / "r.csv")
    with (tmp_path / "r.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(COLUMNS)
    wanted = [{name: str(result.get(name, "")) for name in COLUMNS} for result in RESULTS]
    assert rows == wanted


@pytest.mark.parametrize("failure", [UserError("incomplete"), KeyboardInterrupt()])
def test_what_fails_half_way_leaves_the_folder_as_it_was(tmp_path, failure):
    path = tmp_path / "r.jsonl"
    path.write_text("earlier")

    def failing():
        yield RESULTS[0]
        raise failure

    with pytest.raises(type(failure)):
        write(path, failing())
    assert [p.name for p in tmp_path.iterdir()] == ["r.jsonl"]
    assert path.read_text() == "earlier"


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    with pytest.raises(UserError, match="cannot be written: No such file or directory"):
        write(tmp_path / "absent" / "r.csv")
