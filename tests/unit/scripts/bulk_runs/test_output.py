import csv
import json

import pytest

from scripts.bulk_runs.output import COLUMNS, written
from scripts.cli import UserError

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
