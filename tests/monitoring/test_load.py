"""`monitor load` on folders: what it prints and writes."""

from datetime import UTC, datetime, timedelta

import click
import numpy as np
import pandas as pd
import pytest

from monitoring import load, table
from scripts.monitor import main
from service import terminal
from service.terminal import UserError
from tests.model import served
from tests.monitoring import captured
from tests.monitoring.captured import IMAGES, answer, monitor, npy, record


@pytest.fixture
def folder(tmp_path):
    hour = tmp_path / "captures" / "endpoint/AllTraffic/2026/11/03/10"
    captured.write(hour / "a.jsonl", captured.good(1), *[b"{}\n"] * 7)
    batch = record(npy(IMAGES[:3]), answer([0.9, 0.1], [0.2, 0.8], [0.7, 0.3]), "call")
    captured.write(hour / "b.jsonl", batch)
    return str(tmp_path / "captures")


def test_the_summary_counts_everything_once(folder, capsys):
    monitor("load", folder, "--no-embedding")
    file = f"{folder}/endpoint/AllTraffic/2026/11/03/10/a.jsonl"
    assert capsys.readouterr().out.splitlines() == [
        f"Source     {folder}",
        "Read       files 2, records 2, photos 4",
        "Span       2026-11-03 10:20:30 to 2026-11-03 10:20:30 UTC",
        f"Unreadable {file} line 2: it has no 'captureData'",
        *(f"           {file} line {number}: it has no 'captureData'" for number in range(3, 7)),
        "           … and 2 more",
    ]


@pytest.mark.parametrize("outputs", [("probabilities", "embedding"), ("probabilities",)])
def test_the_table_is_written_with_the_embedding_if_the_model_has_one(
    folder, tmp_path, capsys, monkeypatch, outputs
):
    model = captured.read_model(served.write_model(tmp_path / "model", outputs=outputs))
    monkeypatch.setattr(load.Selection, "model", model)
    path = tmp_path / "table.parquet"
    monitor("load", folder, "--output", str(path))
    printed = capsys.readouterr().out
    frame = pd.read_parquet(path)
    assert frame["image_id"].tolist() == ["photo-1", "call/0", "call/1", "call/2"]
    assert f"Written    {path}, 4 rows of {len(frame.columns)} columns" in printed
    if "embedding" in outputs:
        expected = IMAGES[[1, 0, 1, 2]].mean((1, 2))
        np.testing.assert_allclose(table.embeddings(frame), expected, atol=1e-3)
    else:
        assert f"Embedding  {model.name} has no embedding: not compared" in printed
        assert table.embeddings(frame).shape == (4, 0)


def test_a_span_without_captures_and_one_of_which_none_can_be_read_are_errors(folder, capsys):
    span = ("--since", "2026-11-03T01:00", "--until", "2026-11-03T08:00")
    words = "no captures from 2026-11-03 01:00 UTC until 2026-11-03 08:00 UTC in"
    with pytest.raises(UserError, match=words):
        monitor("load", folder, "--no-embedding", *span)
    with pytest.raises(UserError, match="None of the records"):
        monitor("load", folder, "--no-embedding", "--since", "2026-11-03T10:30")
    assert "it has no 'captureData'" in capsys.readouterr().out


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["load", "--output", "table.xlsx"],
        ["load", "--since", "2026-11-04", "--until", "2026-11-03"],
        ["load", "s3://my bucket/x"],
        ["load", ""],
        ["report", "--since", "yesterday"],
    ],
)
def test_wrong_arguments_end_with_1_since_2_is_a_violation(argv, capsys):
    with pytest.raises(SystemExit) as leaving:
        terminal.run(main, argv, usage_error_code=1)
    assert leaving.value.code == 1
    assert "error: " in capsys.readouterr().err


def convert(text: str) -> datetime:
    return load.Time().convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-03", datetime(2026, 11, 3, tzinfo=UTC)),
        ("2026-11-03T10:30", datetime(2026, 11, 3, 10, 30, tzinfo=UTC)),
        ("2026-11-03T10:30+02:00", datetime(2026, 11, 3, 8, 30, tzinfo=UTC)),
    ],
)
def test_a_time_is_utc_unless_it_says_otherwise(text, expected):
    assert convert(text) == expected


@pytest.mark.parametrize(("text", "hours"), [("24h", 24), ("7d", 168)])
def test_an_age_is_a_time_ago(text, hours):
    late = datetime.now(UTC) - timedelta(hours=hours) - convert(text)
    assert abs(late) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "7", "7w", "-1d", "2026-13-01", "0001-01-01", "9" * 20 + "d"]
)
def test_what_is_no_time_is_refused_with_what_is(text):
    with pytest.raises(click.BadParameter, match="is no time: write 2026-11-03"):
        convert(text)
