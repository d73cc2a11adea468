"""`monitor load` on folders: what it says and writes."""

from datetime import UTC, datetime, timedelta

import click
import numpy as np
import pandas as pd
import pytest

from monitoring import captures, embedding, load, table
from monitoring.__main__ import main
from service import terminal
from service.terminal import UserError
from tests.model import served
from tests.monitoring import captured
from tests.monitoring.captured import answer, npy, record
from tests.monitoring.commands import invoke


@pytest.fixture
def folder(tmp_path):
    hour = tmp_path / "captures" / "endpoint/AllTraffic/2026/11/03/10"
    captured.write(hour / "a.jsonl", captured.good(1), *[b"{}\n"] * 7)
    batch = record(npy(3), answer([0.9, 0.1], [0.2, 0.8], [0.7, 0.3]), "call")
    captured.write(hour / "b.jsonl", batch)
    captured.write(hour / "c.jsonl", b"")
    return tmp_path / "captures"


def test_the_summary_counts_everything_once(folder, capsys):
    invoke("load", str(folder))
    lines = capsys.readouterr().out.splitlines()
    hour = folder / "endpoint/AllTraffic/2026/11/03/10"
    assert lines == [
        f"Source     {folder}",
        "Read       3 files, 2 records, 4 images",
        "Span       2026-11-03 10:20:30 to 2026-11-03 10:20:30 UTC",
        "Labels     bicycle 75.0%, motorcycle 25.0%",
        "Confidence mean 0.7875, median 0.7750, one in twenty below 0.7075",
        lines[5],
        f"Unreadable {hour}/a.jsonl line 2: it has no 'captureData'",
        *(f"           {hour}/a.jsonl line {n}: it has no 'captureData'" for n in range(3, 7)),
        "           … and 2 more",
        f"Empty      1 file, such as {hour}/c.jsonl",
    ]
    assert lines[5].startswith("Images     mean brightness 0.")


def test_the_table_is_written(folder, tmp_path, capsys):
    model, path = served.write_model(tmp_path / "model"), tmp_path / "table.parquet"
    invoke("load", str(folder), "--model", str(model), "--output", str(path))
    assert f"Written    {path}, 4 rows of 16 columns" in capsys.readouterr().out
    frame = pd.read_parquet(path)
    assert frame["image_id"].tolist() == ["photo-1", "call/0", "call/1", "call/2"]
    expected = captured.IMAGES[[1, 0, 1, 2]].mean((1, 2))
    np.testing.assert_allclose(table.embeddings(frame), expected, atol=1e-3)


def test_a_model_without_an_embedding_is_said_and_loading_goes_on(folder, tmp_path, capsys):
    model = served.write_model(tmp_path / "model", outputs=("probabilities",))
    invoke("load", str(folder), "--model", str(model))
    said = capsys.readouterr().out
    assert f"Embedding  {model} has none: train it anew" in said
    assert "3 files, 2 records, 4 images" in said


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--since", "2026-11-04"), "no captures since 2026-11-04 00:00 UTC in"),
        (("--until", "2026-11-03T08:00"), "no captures until 2026-11-03 08:00 UTC in"),
    ],
)
def test_a_span_without_captures_is_one_line(folder, options, reason):
    with pytest.raises(UserError, match=reason):
        invoke("load", str(folder), *options)


def test_captures_of_which_none_can_be_read_are_an_error_after_the_summary(tmp_path, capsys):
    captured.write(tmp_path / "a.jsonl", b"{}\n")
    with pytest.raises(UserError, match="None of the records"):
        invoke("load", str(tmp_path))
    assert "it has no 'captureData'" in capsys.readouterr().out


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["load", "--output", "table.xlsx"],
        ["load", "--output", "no/such/folder/a.parquet"],
        ["load", "--output", "folder.parquet"],
        ["load", "--model", "a", "--no-embedding"],
        ["load", "--since", "2026-11-04", "--until", "2026-11-03"],
        ["load", "s3://my bucket/x"],
        ["load", ""],
        ["report", "--since", "yesterday"],
    ],
)
def test_wrong_arguments_end_with_1_since_2_is_a_violation(argv, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.parquet").mkdir()
    with pytest.raises(SystemExit) as leaving:
        terminal.run(main, argv, usage_error_code=1)
    assert leaving.value.code == 1
    assert "error: " in capsys.readouterr().err


def test_several_processes_load_what_one_does(tmp_path, monkeypatch):
    monkeypatch.setattr(captures, "CHUNK_FILES", 2)
    model = embedding.read(served.write_model(tmp_path / "model"))
    folder = tmp_path / "captures"
    for number in range(5):
        captured.write(folder / f"{number}.jsonl", captured.good(number), b"{}\n")
    captured.write(folder / "empty.jsonl", b"")
    alone = captures.load(str(folder), model=model, processes=1)
    together = captures.load(str(folder), model=model, processes=2)
    assert together.frame.equals(alone.frame)
    assert together.unreadable == alone.unreadable
    assert (together.empty, together.records) == (alone.empty, 5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-03", datetime(2026, 11, 3, tzinfo=UTC)),
        ("2026-11-03T10:30", datetime(2026, 11, 3, 10, 30, tzinfo=UTC)),
        ("2026-11-03T10:30:00Z", datetime(2026, 11, 3, 10, 30, tzinfo=UTC)),
        ("2026-11-03T10:30+02:00", datetime(2026, 11, 3, 8, 30, tzinfo=UTC)),
    ],
)
def test_a_time_is_utc_unless_it_says_otherwise(text, expected):
    assert load.Time().convert(text, None, None) == expected


@pytest.mark.parametrize(("text", "hours"), [("24h", 24), ("7d", 168)])
def test_an_age_is_a_time_ago(text, hours):
    assert abs(
        datetime.now(UTC) - timedelta(hours=hours) - load.Time().convert(text, None, None)
    ) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "7", "7w", "-1d", "2026-13-01", "0001-01-01", "9" * 20 + "d"]
)
def test_what_is_no_time_is_refused_with_what_is(text):
    with pytest.raises(click.BadParameter, match="is no time: write 2026-11-03"):
        load.Time().convert(text, None, None)
