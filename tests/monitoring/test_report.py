"""`monitor baseline` and `monitor report` on captures in a folder, and what gets published."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from unittest.mock import Mock

import click
import numpy as np
import pytest

from monitoring import drift, load, page
from monitoring import report as reporting
from monitoring.assessment import HEALTHY, VIOLATION, Violation
from service.terminal import UserError
from tests.model import served
from tests.monitoring import captured
from tests.monitoring.captured import monitor
from tests.monitoring.frames import drifts, make_report
from tests.monitoring.test_accuracy import line

BEGIN = datetime(2026, 11, 3, tzinfo=UTC)


def write(folder, count, seed, sure=30.0) -> str:
    """Captures of `count` photos; the lower `sure`, the lower the confidences."""
    rng = np.random.default_rng(seed)
    records = []
    for number in range(count):
        confidence = 0.5 + 0.5 * rng.beta(sure, 1)
        row = [confidence, 1 - confidence] if number % 2 else [1 - confidence, confidence]
        time = (BEGIN + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
        photo = captured.png(rng.integers(len(captured.IMAGES)))
        records.append(captured.record(photo, captured.answer(row), f"{seed}-{number}", time))
    captured.write(folder / "captures.jsonl", *records)
    return str(folder)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(drift, "RESAMPLES", 799)
    monkeypatch.setattr(page, "render", lambda *_: "<p>")


@pytest.fixture(autouse=True)
def serve(monkeypatch):
    """Return what sets the model that the endpoint serves; there is no cloud."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)

    def serve(model) -> None:
        select = property(lambda selection: None if selection.no_embedding else model)
        monkeypatch.setattr(load.Selection, "model", select)

    serve(None)
    return serve


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "baseline"
    monitor("baseline", write(tmp_path / "then", 200, seed=1), "--output", str(folder))
    return str(folder)


def report(tmp_path, place, source, *more):
    """Run it and give the exit code and report.json."""
    arguments = ["--baseline", place, "--local", "--output", str(tmp_path / "out"), *more]
    with pytest.raises(SystemExit) as end:
        monitor("report", source, *arguments)
    return end.value.code, json.loads((tmp_path / "out" / "report.json").read_text())


def test_healthy_exits_0(tmp_path, place, capsys):
    code, content = report(tmp_path, place, write(tmp_path / "now", 120, seed=2))
    assert (code, content["status"], content["violations"]) == (0, "healthy", [])
    assert content["images"] == 120
    assert content["span"]["since"] == "2026-11-03T00:00:00+00:00"
    assert "200 photos, captures at any time" in content["provenance"]["baseline"]
    assert "healthy" in capsys.readouterr().out


def test_a_violation_exits_2_and_is_written_down(tmp_path, place, capsys):
    source = write(tmp_path / "now", 120, seed=2, sure=1)
    code, content = report(tmp_path, place, source)
    assert (code, content["status"]) == (2, "violation")
    assert {item["name"] for item in content["violations"]} == {"confidence", "review_share"}
    [confidence] = [item for item in content["drifts"] if item["name"] == "confidence"]
    assert confidence["violated"]
    assert confidence["effect"] > confidence["band"][1]
    assert "confidence moved by 0." in capsys.readouterr().out


def test_what_cannot_be_judged_exits_3(tmp_path, place):
    few, source = write(tmp_path / "few", 20, seed=2), write(tmp_path / "now", 120, seed=2)
    truth = tmp_path / "truth.jsonl"
    truth.write_text(line("nope", "bicycle"))
    for arguments, images, reason in (
        ((place, few), 20, "20 photos were captured"),
        ((place, source, "--since", "2030-01-01"), 0, "0 photos were captured"),
        ((str(tmp_path / "nowhere"), source), 120, "there is no baseline"),
        ((place, source, "--ground-truth", str(truth)), 120, "none of 1 labels is of one of the"),
    ):
        code, content = report(tmp_path, *arguments)
        assert (code, content["status"], content["images"]) == (3, "not enough data", images)
        assert reason in content["reasons"][0]


def test_labels_show_the_true_accuracy(tmp_path, place, capsys):
    truth = tmp_path / "truth.jsonl"
    labels = [line(f"2-{number}", "bicycle") for number in range(60)]
    truth.write_text("\n".join([*labels, "{broken"]))
    source = write(tmp_path / "now", 120, seed=2)
    code, content = report(tmp_path, place, source, "--ground-truth", str(truth))
    assert code == 2
    assert [item["name"] for item in content["violations"]] == ["accuracy"]
    assert (content["accuracy"]["true"], content["accuracy"]["labelled"]) == (0.5, 60)
    printed = capsys.readouterr().out
    assert f"Unreadable {truth} line 61: it is not JSON" in printed


@pytest.mark.parametrize("options", [(), ("--no-embedding",)])
def test_without_an_embedding_the_rest_is_judged(tmp_path, capsys, serve, options):
    model = captured.read_model(served.write_model(tmp_path / "model"))
    then, now = (captured.write_answers(tmp_path / str(seed), model, 150, seed) for seed in (1, 2))
    place = str(tmp_path / "baseline")
    serve(model)
    monitor("baseline", then, "--output", place)
    _, content = report(tmp_path, place, now, *options)
    names = {item["name"] for item in content["drifts"]}
    assert ("embedding" in names) == (not options)
    assert len(names) >= 6
    assert content["reasons"] == []
    note = "the embedding, which the baseline has, was not compared (--no-embedding)"
    assert (note in capsys.readouterr().out) == bool(options)


def test_a_change_of_the_model_is_named_and_judged_from_there(tmp_path, capsys, serve):
    old, new = (
        captured.read_model(served.write_model(tmp_path / str(scale), scale=scale))
        for scale in (0.1, 0.02)
    )
    serve(new)
    place = str(tmp_path / "baseline")
    then = captured.write_answers(tmp_path / "then", new, 200, seed=1)
    monitor("baseline", then, "--output", place)
    captured.write_answers(tmp_path / "now", old, 150, seed=2)
    now = captured.write_answers(tmp_path / "now", new, 120, seed=3, hour=11)
    _, content = report(tmp_path, place, now, "--since", "2026-11-03")
    assert content["images"] == 120
    assert content["span"]["since"] == "2026-11-03T11:00:00+00:00"
    assert {item["name"] for item in content["violations"]} <= {"review_share"}
    note = "the endpoint's model changed after 2026-11-03 10:00:00 UTC: the 150 photos until then"
    assert note in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--output", "file"), "is a file"),
        (("--ground-truth", "nothere.jsonl"), "no file or folder nothere.jsonl"),
        (("--ground-truth", "s3://"), "is not s3://bucket/key or s3://bucket/prefix/"),
    ],
)
def test_places_that_cannot_be_are_one_line(tmp_path, place, monkeypatch, options, reason):
    source = write(tmp_path / "now", 120, seed=2)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    arguments = ["report", source, "--local", "--baseline", place, "--output", "out", *options]
    with pytest.raises((UserError, click.BadParameter), match=reason):
        monitor(*arguments)


def test_a_baseline_of_too_few_captures_is_refused(tmp_path):
    source = write(tmp_path / "then", 20, seed=1)
    with pytest.raises(UserError, match="20 photos are too few for a baseline"):
        monitor("baseline", source, "--output", str(tmp_path / "baseline"))
    assert not (tmp_path / "baseline").exists()


@pytest.mark.parametrize("status", [HEALTHY, VIOLATION])
def test_publishing_uploads_and_sends_a_message_for_a_violation(tmp_path, s3, status):
    cloudwatch, sns = Mock(), Mock()
    cloud = SimpleNamespace(client={"cloudwatch": cloudwatch, "sns": sns}.__getitem__)
    stack = SimpleNamespace(bucket="bucket", topic="arn:topic")
    for name in ("report.html", "report.json"):
        (tmp_path / name).write_text("")
    content = make_report(status)
    if status == VIOLATION:
        content.violations += [Violation("property", "")] * 20
    reporting.publish(cloud, stack, "dev", content, tmp_path)
    page, data = sorted(s3.objects)
    assert page.startswith("monitoring/reports/20")
    assert data == page.replace("report.html", "report.json")
    [metrics] = cloudwatch.put_metric_data.call_args_list
    assert metrics.kwargs["Namespace"] == "scones-vehicles/monitoring"
    assert sns.publish.call_count == (status == VIOLATION)
    for _, message in sns.publish.call_args_list:
        assert message["TopicArn"] == "arn:topic"
        assert message["Subject"].startswith("scones-vehicles-dev: monitoring found confidence, ")
        assert len(message["Subject"]) < 100  # SNS takes no more
        assert f"s3://bucket/{page}" in message["Message"]


def test_metrics_hold_the_reports_numbers():
    metrics = reporting.make_metrics(make_report(drifts=drifts("brightness")[2:3]), "dev")
    assert {item["MetricName"]: (item["Value"], item["Unit"]) for item in metrics} == {
        "Images": (5000, "Count"),
        "UnreadableRecords": (2, "Count"),
        "Violations": (4, "Count"),
        "Status": (2, "None"),
        "MeanConfidence": (0.951, "None"),
        "ShareAccepted": (0.72, "None"),
        "TrueAccuracy": (0.886, "None"),
        "Drift.brightness": (1.43, "None"),
    }
    assert {item["Name"]: item["Value"] for item in metrics[0]["Dimensions"]} == {
        "Stage": "dev",
        "Endpoint": "scones-vehicles-dev",
    }


def test_a_message_says_what_of_which_photos_and_what_to_do():
    content = make_report(violations=[Violation("brightness", "brightness moved by 1.43")])
    message = reporting.make_message(content, "s3://bucket/report.html", "dev")
    for words in (
        "scones-vehicles-dev found 1 violation:",
        "- brightness moved by 1.43",
        "5,000 captured from 2026-11-16 00:00 UTC until 2026-11-23 00:00 UTC",
        "2 records could not be read",
        "s3://bucket/report.html",
        "python -m scripts.monitor baseline --stage dev "
        "--since 2026-11-16T00:00:00Z --until 2026-11-23T00:00:00Z",
    ):
        assert words in message
