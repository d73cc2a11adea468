import csv
import json

import pytest

from scripts.bulk.results import COLUMNS, gather, open_output
from service.terminal import UserError
from tests.unit.scripts.bulk.memory_states import BUCKET, STACK, MemoryCloud, make_map_run

FOLDER = "bulk/results/run/0b1c"
MAP_RUN = "arn:aws:states:us-east-1:123456789012:mapRun:vehicles-classifyBulk/Batches:0b1c"
EXECUTION = {
    "executionArn": "run",
    "name": "run",
    "status": "SUCCEEDED",
    "output": json.dumps({"results": {"s3_key": f"{FOLDER}/manifest.json"}}),
}
FAILED = {**EXECUTION, "status": "FAILED", "output": None}


def image(key: str | None, status: str, **more) -> dict:
    return {"s3_bucket": BUCKET if key else None, "s3_key": key, "status": status, **more}


def accepted(key: str, **more) -> dict:
    answer = {"label": "bicycle", "confidence": 0.99, "inference_id": "x/0"}
    return image(key, "accepted", **answer, **more)


def failed(key: str | None, **more) -> dict:
    return image(key, "failed", error="InvalidImage", cause="the file is empty", **more)


RESULTS = [accepted('a,"é\n.png', listed=2), failed("b.png", listed=1)]


def child(*items: dict, status: str = "FAILED", **more) -> dict:
    numbered = [{"index": index, "photo": item} for index, item in enumerate(items)]
    given = {"BatchInput": {}, "Items": numbered}
    return {"ExecutionArn": "…", "Input": json.dumps(given), "Status": status, **more}


def ended(lines: int, **files: list[dict]) -> MemoryCloud:
    """A cloud where a run over so many lines has ended with these result files."""
    cloud = MemoryCloud()

    def put(key: str, lines: list[dict]) -> None:
        body = "".join(json.dumps(line) + "\n" for line in lines).encode()
        cloud.s3.put_object(BUCKET, key, body, "")

    written: dict[str, list] = {"SUCCEEDED": [], "FAILED": [], "PENDING": []}
    for name, results in files.items():
        key = f"{FOLDER}/{name}.jsonl"
        put(key, results)
        written[name.split("_")[0]].append({"Key": key, "Size": 1})
    body = {"DestinationBucket": BUCKET, "ResultFiles": written}
    cloud.s3.put_object(BUCKET, f"{FOLDER}/manifest.json", json.dumps(body).encode(), "")
    cloud.states.map_runs["run"] = make_map_run(MAP_RUN, total=lines)
    return cloud


def collect(cloud: MemoryCloud, execution: dict = EXECUTION):
    found = []
    return gather(cloud, STACK, execution, found.append), found


def test_every_photo_has_one_result_from_whichever_file():
    cloud = ended(
        5,
        SUCCEEDED_0=[accepted("a", listed=3), failed("c"), failed(None, listed=2)],
        SUCCEEDED_1=[image("b", "review", label="motorcycle", confidence=0.6)],
        FAILED_0=[child({"s3_key": "d"}, Error="EndpointUnavailable", Cause="down")],
    )
    counts, found = collect(cloud)
    assert [(r["s3_key"], r["status"], r["listed"]) for r in found] == [
        ("a", "accepted", 3),
        ("c", "failed", 1),
        (None, "failed", 2),
        ("b", "review", 1),
        ("d", "failed", 1),
    ]
    assert (counts.submitted, counts.lines) == (8, 5)
    assert counts.statuses == {"accepted": 3, "review": 1, "failed": 4}
    assert counts.labels == {"bicycle": {"accepted": 3}, "motorcycle": {"review": 1}}
    assert counts.errors == {"InvalidImage": 3, "EndpointUnavailable": 1}


@pytest.mark.parametrize(
    ("ending", "error", "cause"),
    [
        ({"Error": "T", "Cause": '{"errorMessage": "not\\n in time"}'}, "T", "not? in time"),
        ({"Error": "States.Runtime", "Cause": "x" * 500}, "States.Runtime", "x" * 150),
        ({"status": "TIMED_OUT"}, "TIMED_OUT", ""),
        ({"status": "ABORTED", "Error": None, "Cause": "[1]"}, "ABORTED", "[1]"),
    ],
)
def test_photos_of_a_failed_batch_fail_for_its_reason(ending, error, cause):
    batch = child({"s3_key": "a", "listed": 2}, {"s3_bucket": "other", "s3_key": "b"}, **ending)
    counts, found = collect(ended(2, FAILED_0=[batch]), FAILED)
    reason = {"status": "failed", "error": error, "cause": cause}
    assert found == [
        {"index": 0, "s3_bucket": BUCKET, "s3_key": "a", "listed": 2, **reason},
        {"index": 1, "s3_bucket": "other", "s3_key": "b", "listed": 1, **reason},
    ]
    assert counts.statuses["failed"] == counts.submitted == 3


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"SUCCEEDED_0": [accepted("a")]}, "no result for 2 of 3 photos. Once"),
        (
            {"FAILED_0": [child({"s3_key": "a"}, Error="NotFound", Cause="")]},
            r"2 of 3 photos\. Most that failed did so of NotFound\. .*submit",
        ),
        (
            {"SUCCEEDED_0": [accepted("a", index=0), failed("c", index=2), accepted("a", index=0)]},
            "no result for 1 of 3",
        ),
    ],
)
def test_results_that_are_not_those_of_all_photos_are_refused(files, said):
    with pytest.raises(UserError, match=said):
        collect(ended(3, **files))


def test_results_of_an_earlier_run_of_the_same_name_are_not_those_of_this():
    """Names are free again 90 days after a run has ended; its results stay."""
    cloud = ended(1, SUCCEEDED_0=[accepted("a")])
    for earlier in ("0000", "ffff"):
        cloud.s3.put_object(BUCKET, f"bulk/results/run/{earlier}/manifest.json", b"{}", "")
    for execution in (EXECUTION, FAILED):
        assert collect(cloud, execution)[0].lines == 1


@pytest.mark.parametrize("map_run", [True, False])
def test_a_run_without_result_files_says_why_it_failed(map_run):
    cloud = MemoryCloud()
    if map_run:
        cloud.states.map_runs["run"] = make_map_run(MAP_RUN)
    with pytest.raises(UserError, match=r"ended FAILED, and there are no results of it\. E: empty"):
        collect(cloud, {**FAILED, "error": "E", "cause": "empty"})


def write(path, results) -> None:
    with open_output(path) as add:
        for result in results:
            add({**result, "of_no_interest": 1})


def test_json_lines_hold_what_each_result_has_and_escape_half_a_surrogate_pair(tmp_path):
    results = [*RESULTS, {"s3_key": "\ud800.png"}]
    write(tmp_path / "r.jsonl", results)
    lines = (tmp_path / "r.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == results


def test_csv_has_every_column_no_text_that_is_a_formula_and_numbers_that_stay_numbers(tmp_path):
    texts = ["=1+2", "+1", "-1", "@a", "\tb", "a=b", "1"]
    odd = [{"s3_key": text, "confidence": -0.5} for text in texts]
    write(tmp_path / "r.csv", [*RESULTS, *odd])
    with (tmp_path / "r.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(COLUMNS)
    plain, odd = rows[: len(RESULTS)], rows[len(RESULTS) :]
    assert plain == [{name: str(result.get(name, "")) for name in COLUMNS} for result in RESULTS]
    assert [row["s3_key"] for row in odd] == ["'=1+2", "'+1", "'-1", "'@a", "'\tb", "a=b", "1"]
    assert {row["confidence"] for row in odd} == {"-0.5"}


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
        write(tmp_path / "absent" / "r.csv", RESULTS)
