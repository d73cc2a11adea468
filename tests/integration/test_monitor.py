"""`monitor` on the deployed service: a baseline, a quiet day, a dark one, and who hears of it.

It runs as a user who has the stack's MonitoringPolicy and nothing else.
"""

import dataclasses
import io
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from PIL import Image

from scripts.generate.bad_images import encode
from tests.integration.service import Service

IMAGES = 110
NAMESPACE = "scones-vehicles/monitoring"


def monitor(service: Service, *arguments: str):
    """Run the command and give what it did, whatever its exit code."""
    return service.script("monitor", *arguments, check=False)


@pytest.fixture(scope="module")
def watcher(service) -> Service:
    """The service as that user sees it."""
    iam, name = service.client("iam"), f"watcher-{time.time_ns()}"
    iam.create_user(UserName=name)
    iam.attach_user_policy(UserName=name, PolicyArn=service.outputs["MonitoringPolicyArn"])
    key = iam.create_access_key(UserName=name)["AccessKey"]
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    own = dict(zip(keys, (key["AccessKeyId"], key["SecretAccessKey"]), strict=True))
    return dataclasses.replace(service, env=service.env | own)


def ask(service: Service, pngs: list[bytes]) -> tuple[str, str]:
    """Ask the endpoint about each image; give the span of time, in whole seconds, that holds it."""
    begin = int(time.time()) + 1
    time.sleep(begin - time.time())
    runtime = service.client("sagemaker-runtime", max_pool_connections=4)

    def invoke(png: bytes) -> None:
        runtime.invoke_endpoint(
            EndpointName=service.outputs["EndpointName"], Body=png, ContentType="image/png"
        )

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(invoke, pngs))
    end = int(time.time()) + 1
    time.sleep(end - time.time())
    moments = (datetime.fromtimestamp(second, UTC) for second in (begin, end))
    return tuple(moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in moments)


def darkened(png: bytes) -> bytes:
    return encode(Image.open(io.BytesIO(png)).point(lambda value: value // 3), "PNG")


@pytest.fixture(scope="module")
def photos(service) -> list[bytes]:
    """Photos of the dataset, as the endpoint gets them, in no order."""
    keys = sorted(key for key in service.keys("datasets/") if "/images/" in key)
    random.Random(0).shuffle(keys)
    return list(map(service.read, keys[: 2 * IMAGES]))


@pytest.fixture(scope="module")
def baseline(service, watcher, photos) -> str:
    """The baseline of half of the photos."""
    begin, end = ask(service, photos[:IMAGES])
    done = monitor(watcher, "baseline", "--since", begin, "--until", end)
    assert done.returncode == 0, done.stderr
    return f"s3://{service.bucket}/monitoring/baseline/"


def published(service: Service, since: datetime) -> dict[str, float]:
    """The newest value of each metric that has one since then."""
    cloudwatch = service.client("cloudwatch")
    dimensions = [
        {"Name": "Stage", "Value": service.stage},
        {"Name": "Endpoint", "Value": service.outputs["EndpointName"]},
    ]
    names = {
        metric["MetricName"]
        for metric in cloudwatch.list_metrics(Namespace=NAMESPACE)["Metrics"]
        if metric["Dimensions"] == dimensions
    }
    datapoints = {
        name: cloudwatch.get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName=name,
            Dimensions=dimensions,
            StartTime=since,
            EndTime=datetime.now(UTC) + timedelta(seconds=1),
            Period=1,
            Statistics=["Maximum"],
        )["Datapoints"]
        for name in names
    }
    return {
        name: max(points, key=lambda point: point["Timestamp"])["Maximum"]
        for name, points in datapoints.items()
        if points
    }


def test_a_dark_day_is_a_violation_that_people_and_cloudwatch_see(
    service, watcher, photos, baseline, inbox, tmp_path
):
    begin, end = ask(service, [darkened(png) for png in photos[IMAGES:]])
    span = ("--since", begin, "--until", end)
    done = monitor(watcher, "report", *span, "--output", str(tmp_path))
    assert done.returncode == 2, done.stderr

    [mail] = inbox("monitoring found")
    assert mail["Subject"].startswith(f"{service.outputs['EndpointName']}: monitoring found ")
    assert "brightness moved by" in mail["Message"]
    assert f"{IMAGES} captured from" in mail["Message"]
    [page] = [word for word in mail["Message"].split() if word.endswith("report.html")]
    prefix, _, name = page.removeprefix(f"s3://{service.bucket}/").rpartition("/")
    names = {Path(key).name for key in service.keys(f"{prefix}/")}
    assert names == {name, "report.json"} == {path.name for path in tmp_path.iterdir()}
    report = json.loads(service.read(f"{prefix}/report.json"))
    violations = {item["name"] for item in report["violations"]}
    assert "brightness" in violations

    values = published(service, datetime.fromisoformat(end))
    assert values["Images"] == IMAGES
    assert values["Status"] == 2
    assert values["Violations"] == len(violations)
    assert values["Drift.brightness"] > 1


@pytest.mark.parametrize(
    ("client", "operation", "arguments"),
    [
        ("s3", "get_object", {"Key": "incoming/photo.png"}),
        ("s3", "put_object", {"Key": "capture/photo.jsonl", "Body": b""}),
        ("s3", "delete_object", {"Key": "monitoring/baseline/constraints.json"}),
        ("s3", "list_objects_v2", {}),
        ("sagemaker", "delete_endpoint", {"EndpointName": "scones-vehicles-dev"}),
        ("cloudwatch", "put_metric_data", {"Namespace": "other", "MetricData": []}),
    ],
)
def test_monitoring_may_do_nothing_else(watcher, client, operation, arguments):
    where = {"Bucket": watcher.bucket} if client == "s3" else {}
    with pytest.raises(ClientError) as refusal:
        getattr(watcher.client(client), operation)(**where, **arguments)
    assert refusal.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")
