"""CloudWatch has the metrics of an endpoint's variants."""

from datetime import datetime, timedelta

import pytest


@pytest.fixture
def sums(session, endpoint):
    """A function that gives the sums of the endpoint's metrics until now."""
    client = session.client("cloudwatch")
    dimensions = [
        {"Name": "EndpointName", "Value": endpoint},
        {"Name": "VariantName", "Value": "v0"},
    ]

    def look() -> dict[str, float]:
        now = datetime.now().astimezone()
        found = {}
        for name in (
            "Invocations",
            "Invocation4XXErrors",
            "Invocation5XXErrors",
            "ModelLatency",
        ):
            points = client.get_metric_statistics(
                Namespace="AWS/SageMaker",
                MetricName=name,
                Dimensions=dimensions,
                StartTime=now - timedelta(hours=1),
                EndTime=now + timedelta(hours=1),
                Period=3600,
                Statistics=["Sum"],
            )["Datapoints"]
            found[name] = sum(point["Sum"] for point in points)
        return found

    return look


def test_requests_are_counted_by_how_they_are_answered(sagemaker, endpoint, sums):
    before = sums()
    sagemaker.invoke(endpoint)
    with pytest.raises(sagemaker.runtime.exceptions.ModelError):
        sagemaker.invoke(endpoint, ContentType="text/plain", Body=b"hello")
    after = sums()
    found = {name: after[name] - before[name] for name in after}
    latency = found.pop("ModelLatency")
    assert found == {"Invocations": 2, "Invocation4XXErrors": 1, "Invocation5XXErrors": 0}
    assert 200 < latency < 5_000_000  # microseconds
