"""What AWS is known to do at times loses no photo: throttling, faults, large photos, a long run."""

import io
import json
import sys
import time
from collections import Counter

import pytest
from PIL import Image

from tests.integration.service import Service

pytestmark = pytest.mark.proof
LAMBDA_CONCURRENCY = 5


def local_faults(service: Service, *options: str) -> None:
    """Tell the local cloud which faults to show; without options none."""
    port = service.env["AWS_ENDPOINT_URL"].rpartition(":")[2]
    service.run(sys.executable, "-m", "local", "faults", *options, "--port", port)


def throttles(service: Service) -> float:
    """How often Lambda has refused a call of the service's functions."""
    metrics = service.client("cloudwatch")
    total = 0.0
    for name in ("serializeImageData", "classifyImage", "filterLowConfidence"):
        function = f"scones-vehicles-{service.stage}-{name}"
        points = metrics.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="Throttles",
            Dimensions=[{"Name": "FunctionName", "Value": function}],
            StartTime=time.time() - 3600,
            EndTime=time.time() + 60,
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
        total += sum(point["Sum"] for point in points)
    return total


def test_at_a_lambda_concurrency_of_5_all_of_500_photos_end_as_without(service, batch):
    images = (batch["images"] * 13)[:500]
    without = service.classify(images)
    before = throttles(service)
    local_faults(service, "--lambda-concurrency", str(LAMBDA_CONCURRENCY))
    try:
        throttled = service.wait(service.start({"images": images}), seconds=900)
    finally:
        local_faults(service)
    assert throttles(service) > before
    assert throttled["status"] == "SUCCEEDED"
    assert throttled["output"] == without["output"]


def test_under_three_faults_at_once_99_of_100_photos_end_as_without(service):
    """The benchmark itself looks at each photo, and fails where one is lost."""
    said = service.run(sys.executable, "-m", "benchmarks.faults").stdout
    assert "bodies of S3" in said


def test_of_the_largest_photos_none_is_lost_and_a_smaller_batch_takes_them_all(service):
    """A batch of 200 PNGs of 49 megapixels, which take more than a function's time."""
    photo = io.BytesIO()
    Image.new("RGB", (7000, 7000), "grey").save(photo, "PNG")
    service.put("tests/large.png", photo.getvalue())
    lines = [{"s3_key": "tests/large.png"}] * 200
    run = {"manifest": service.put("bulk/manifests/large.jsonl", _json_lines(lines))}
    arn = service.start_bulk({**run, "tolerated_failure_percentage": 100})
    execution = service.wait(arn, seconds=600)
    assert execution["status"] == "SUCCEEDED", execution
    results = service.bulk_results(execution)
    assert sorted(result["index"] for result in results) == list(range(200))
    ended = Counter(result.get("error", "judged") for result in results)
    assert set(ended) <= {"judged", "BatchOutOfTime"}
    print(f"of 200 photos of 49 megapixels in one batch: {dict(ended)}")
    assert ended["judged"] >= 60
    # Two batches: here, unlike on AWS, a third would wait for one of two environments.
    manifest = service.put("bulk/manifests/fewer.jsonl", _json_lines(lines[:60]))
    arn = service.start_bulk({"manifest": manifest, "batch_size": 30})
    execution = service.wait(arn, seconds=600)
    assert execution["status"] == "SUCCEEDED", execution
    counts = execution["output"]["counts"]
    assert (counts["submitted"], counts["failed"]) == (60, 0)


def test_a_run_of_30_000_photos_sets_off_no_alarm(service, batch):
    """None of those on one metric: the local cloud evaluates no others."""
    alarms = service.client("cloudwatch")
    keys = [image["s3_key"] for image in batch["images"]]
    lines = [{"s3_key": key} for key in (keys * 750)[:30_000]]

    def in_alarm() -> set[str]:
        found = alarms.describe_alarms(StateValue="ALARM")["MetricAlarms"]
        return {alarm["AlarmName"] for alarm in found}

    before = in_alarm()  # other tests set some off
    assert not {name for name in before if name.endswith("-endpoint-latency")}
    run = {"manifest": service.put("bulk/manifests/many.jsonl", _json_lines(lines))}
    execution = service.wait(service.start_bulk({**run, "threshold": 0}), seconds=900)
    assert execution["status"] == "SUCCEEDED", execution
    assert execution["output"]["counts"]["accepted"] == 30_000
    deadline = time.monotonic() + 30  # alarms are evaluated every second
    while time.monotonic() < deadline:
        assert in_alarm() <= before
        time.sleep(1)


def _json_lines(lines: list[dict]) -> bytes:
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode()
