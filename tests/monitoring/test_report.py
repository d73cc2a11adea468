"""`monitor baseline` and `monitor report` on captures in a folder, without a cloud."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import click
import numpy as np
import pytest

from monitoring import embedding, permutation
from monitoring import report as monitoring_report
from monitoring.findings import HEALTHY, VIOLATION
from service.terminal import UserError
from tests.model import served
from tests.monitoring import captured
from tests.monitoring.commands import invoke
from tests.monitoring.test_notification import REPORT
from tests.unit.service.memory_s3 import MemoryS3

BEGIN = datetime(2026, 11, 3, tzinfo=UTC)

NOON = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def write(folder, count, seed, sure=30.0):
    """Captures of `count` images; the lower `sure`, the lower the confidences."""
    rng = np.random.default_rng(seed)
    records = []
    for number in range(count):
        confidence = 0.5 + 0.5 * rng.beta(sure, 1)
        row = [confidence, 1 - confidence] if number % 2 else [1 - confidence, confidence]
        time = (BEGIN + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
        image = captured.png(rng.integers(len(captured.IMAGES)))
        records.append(captured.record(image, captured.answer(row), f"{seed}-{number}", time))
    captured.write(folder / "captures.jsonl", *records)
    return str(folder)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(permutation, "RESAMPLES", 799)
    monkeypatch.setattr(monitoring_report, "draw", lambda *_: [])


@pytest.fixture(autouse=True)
def no_cloud(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def known(tmp_path):
    folder = tmp_path / "baseline"
    invoke("baseline", write(tmp_path / "then", 200, seed=1), "--output", str(folder))
    return str(folder)


def report(tmp_path, known, source, *more):
    """Run it and give the exit code and the two files."""
    arguments = ["--baseline", known, "--local", "--output", str(tmp_path / "out"), *more]
    with pytest.raises(SystemExit) as end:
        invoke("report", source, *arguments)
    read = [
        json.loads((tmp_path / "out" / name).read_text())
        for name in ("report.json", "constraint_violations.json")
    ]
    return end.value.code, *read


def test_healthy_exits_0(tmp_path, known, capsys):
    code, content, violations = report(tmp_path, known, write(tmp_path / "now", 120, seed=2))
    assert (code, content["status"]) == (0, "healthy")
    assert violations == {"violations": []}
    assert content["images"] == 120
    assert content["since"] == "2026-11-03T00:00:00+00:00"
    assert "200 images, captures at any time" in content["made"]["baseline"]
    assert "healthy" in capsys.readouterr().out


def test_a_violation_exits_2_and_is_written_down(tmp_path, known):
    source = write(tmp_path / "now", 120, seed=2, sure=4)
    code, content, violations = report(tmp_path, known, source)
    assert (code, content["status"]) == (2, "violation")
    names = {item["feature_name"] for item in violations["violations"]}
    assert names == {"confidence", "review_share"}
    [confidence] = [item for item in content["drifts"] if item["name"] == "confidence"]
    assert confidence["violated"]
    assert confidence["effect"] > confidence["band"][1]


def test_too_few_images_exit_3(tmp_path, known):
    code, content, _ = report(tmp_path, known, write(tmp_path / "now", 20, seed=2))
    assert (code, content["status"]) == (3, "not enough data")
    assert "20 images" in content["reasons"][0]


def test_a_span_without_captures_exits_3(tmp_path, known):
    source = write(tmp_path / "now", 120, seed=2)
    code, content, _ = report(tmp_path, known, source, "--since", "2030-01-01")
    assert (code, content["images"]) == (3, 0)


def test_no_baseline_exits_3(tmp_path):
    source = write(tmp_path / "now", 120, seed=2)
    code, content, _ = report(tmp_path, str(tmp_path / "nowhere"), source)
    assert code == 3
    assert "there is no baseline" in content["reasons"][0]


def label(image_id: str, name: str) -> str:
    record = {
        "groundTruthData": {"data": name, "encoding": "CSV"},
        "eventMetadata": {"eventId": image_id},
        "eventVersion": "0",
    }
    return json.dumps(record)


def test_labels_tell_the_true_accuracy(tmp_path, known, capsys):
    truth = tmp_path / "truth.jsonl"
    labels = [label(f"2-{number}", "bicycle") for number in range(60)]
    truth.write_text("\n".join([*labels, "{broken"]))
    source = write(tmp_path / "now", 120, seed=2)
    code, content, violations = report(tmp_path, known, source, "--ground-truth", str(truth))
    assert code == 2
    assert [item["feature_name"] for item in violations["violations"]] == ["accuracy"]
    assert (content["accuracy"]["true"], content["accuracy"]["labelled"]) == (0.5, 60)
    said = capsys.readouterr().out
    assert "1 line unreadable" in said
    assert "line 61: it is not JSON" in said


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (label("nope", "bicycle"), "none of 1 labels is of one of the images"),
        (label("2-1", "Bicycle"), "1 labels are none of bicycle, motorcycle (Bicycle)"),
        ('{"groundTruthData": {}}', "no line of the ground truth could be read"),
    ],
)
def test_ground_truth_that_says_nothing_of_the_images_exits_3(
    tmp_path, known, capsys, line, reason
):
    (tmp_path / "truth.jsonl").write_text(line)
    source = write(tmp_path / "now", 120, seed=2)
    truth = str(tmp_path / "truth.jsonl")
    code, content, _ = report(tmp_path, known, source, "--ground-truth", truth)
    assert (code, content["accuracy"]["true"]) == (3, None)
    said = capsys.readouterr().out
    assert reason in said
    assert "True  " not in said


@pytest.mark.parametrize("option", ["--no-embedding", "--model"])
def test_without_an_embedding_the_rest_is_judged(tmp_path, capsys, option):
    model = served.write_model(tmp_path / "model", [*captured.CLASSES, "none"])
    then, now = (answered(tmp_path / str(seed), model, 150, seed) for seed in (1, 2))
    known = str(tmp_path / "baseline")
    invoke("baseline", then, "--model", str(model), "--output", known)
    more = [option] if option == "--no-embedding" else [option, str(model)]
    _, content, _ = report(tmp_path, known, now, *more)
    compared = {item["name"] for item in content["drifts"]}
    assert ("embedding" in compared) == (option == "--model")
    assert len(compared) >= 6
    assert content["reasons"] == []
    assert ("was not compared (--no-embedding)" in capsys.readouterr().out) == (
        option == "--no-embedding"
    )


def answered(folder, model, count, seed, time="2026-11-03T10:00:00Z"):
    """Captures of what the model answers."""
    network = embedding.Network(embedding.read(model).whole, "probabilities")
    images = served.images(count, seed)
    classes = json.loads((model / "classes.json").read_text())
    records = [
        captured.record(
            captured.side(served.encode(image, "PNG"), "image/png"),
            captured.answer(row, classes=classes),
            f"{seed}-{number}",
            time,
        )
        for number, (image, row) in enumerate(zip(images, network(images).tolist(), strict=True))
    ]
    captured.write(folder / f"{seed}.jsonl", *records)
    return str(folder)


def test_a_change_of_the_model_is_named_and_judged_from_there(tmp_path, capsys):
    old, new = (
        served.write_model(tmp_path / name, scale=scale)
        for name, scale in (("old", 0.1), ("new", 0.02))
    )
    known = str(tmp_path / "baseline")
    then = answered(tmp_path / "then", new, 200, 1)
    invoke("baseline", then, "--model", str(new), "--output", known)
    answered(tmp_path / "now", old, 150, 2, "2026-11-03T10:00:00Z")
    now = answered(tmp_path / "now", new, 120, 3, "2026-11-03T11:00:00Z")
    _, content, violations = report(tmp_path, known, now, "--model", str(new))
    assert content["images"] == 120
    assert content["since"] == "2026-11-03T11:00:00+00:00"
    assert {item["feature_name"] for item in violations["violations"]} <= {"review_share"}
    note = "the endpoint's model changed after 2026-11-03 10:00:00 UTC: the 150 images until then"
    assert note in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--output", "file"), "is a file"),
        (("--baseline", "s3://my bucket/x"), "is not s3://bucket/key or s3://bucket/prefix/"),
        (("--ground-truth", "nothere.jsonl"), "no file or folder nothere.jsonl"),
        (("--ground-truth", "s3://"), "is not s3://bucket/key or s3://bucket/prefix/"),
    ],
)
def test_places_that_cannot_be_are_one_line(tmp_path, known, monkeypatch, options, reason):
    source = write(tmp_path / "now", 120, seed=2)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    arguments = ["report", source, "--local", "--baseline", known, "--output", "out", *options]
    with pytest.raises((UserError, click.BadParameter), match=reason):
        invoke(*arguments)


def test_a_baseline_of_too_few_captures_is_refused(tmp_path):
    source = write(tmp_path / "then", 20, seed=1)
    with pytest.raises(UserError, match="20 images are too few for a baseline"):
        invoke("baseline", source, "--output", str(tmp_path / "baseline"))
    assert not (tmp_path / "baseline").exists()


class Recorder:
    """A client that keeps what it is asked."""

    def __init__(self):
        self.asked = []

    def __getattr__(self, operation):
        return lambda **request: self.asked.append((operation, request))


@pytest.mark.parametrize(("status", "messages"), [(HEALTHY, 0), (VIOLATION, 1)])
def test_publishing_uploads_and_sends_a_message_for_a_violation(tmp_path, status, messages):
    clients = {"s3": MemoryS3(), "cloudwatch": Recorder(), "sns": Recorder()}
    cloud = SimpleNamespace(client=clients.__getitem__)
    stack = SimpleNamespace(bucket="bucket", topic="arn:topic")
    (tmp_path / "report.html").write_text("<p>")
    found = SimpleNamespace(**{**vars(REPORT), "status": status})
    written = [tmp_path / "report.html"]
    page = monitoring_report.publish(cloud, stack, found, written, "dev")
    [key] = clients["s3"].objects
    assert key.startswith("monitoring/reports/20")
    assert page == f"s3://bucket/{key}"
    [(operation, request)] = clients["cloudwatch"].asked
    assert operation == "put_metric_data"
    assert request["Namespace"] == "scones-vehicles/monitoring"
    assert len(clients["sns"].asked) == messages
    for _, message in clients["sns"].asked:
        assert message["TopicArn"] == "arn:topic"
        assert page in message["Message"]


class CloudWatch:
    """GetMetricData in pages; what was asked is kept."""

    def __init__(self, *pages):
        self.pages = pages

    def get_paginator(self, operation):
        assert operation == "get_metric_data"
        return self

    def paginate(self, **request):
        self.request = request
        for page in self.pages:
            yield {
                "MetricDataResults": [
                    {
                        "Id": percentile,
                        "Timestamps": [NOON + timedelta(minutes=minute) for minute in minutes],
                        "Values": values,
                    }
                    for percentile, minutes, values in page
                ]
            }


def test_points_come_in_milliseconds_by_time_from_all_pages():
    cloudwatch = CloudWatch(
        [("p50", [5, 0], [2000, 1000]), ("p95", [5, 0], [4000, 3000]), ("p99", [5], [9000])],
        [("p99", [0], [8000])],
    )
    found = monitoring_report.read_latencies(
        cloudwatch, "endpoint", NOON, NOON + timedelta(hours=1)
    )
    assert found == [(NOON, 1, 3, 8), (NOON + timedelta(minutes=5), 2, 4, 9)]


@pytest.mark.parametrize(
    ("ago", "span", "period"),
    [
        (timedelta(hours=1), timedelta(minutes=1), 60),
        (timedelta(days=1), timedelta(days=1), 480),  # 432 s are no whole minutes
        (timedelta(days=30), timedelta(hours=1), 300),
        (timedelta(days=30), timedelta(days=30), 13200),
        (timedelta(days=80), timedelta(days=1), 3600),
    ],
)
def test_a_span_has_few_points_of_a_length_that_cloudwatch_keeps(ago, span, period):
    cloudwatch = CloudWatch()
    monitoring_report.read_latencies(cloudwatch, "endpoint", NOON - ago, NOON - ago + span)
    [query, *_] = cloudwatch.request["MetricDataQueries"]
    assert query["MetricStat"]["Period"] == period
    assert span.total_seconds() / period <= monitoring_report.POINTS
