"""CloudWatch has the metrics of an endpoint's variant."""

import pytest

from local.tests.conftest import Metrics

NAMES = ("Invocations", "Invocation4XXErrors", "Invocation5XXErrors", "ModelLatency")


def test_requests_are_counted_by_how_they_are_answered(session, sagemaker, endpoint):
    metrics = Metrics(session)

    def sums() -> dict[str, float]:
        metric = "AWS/SageMaker:{}|EndpointName={}|VariantName=v0"
        found = {name: metrics.points(metric.format(name, endpoint), "Sum") for name in NAMES}
        return {name: points["Sum"] if points else 0 for name, points in found.items()}

    before = sums()
    sagemaker.invoke(endpoint)
    with pytest.raises(sagemaker.runtime.exceptions.ModelError):
        sagemaker.invoke(endpoint, ContentType="text/plain", Body=b"hello")
    after = sums()
    found = {name: after[name] - before[name] for name in NAMES}
    latency = found.pop("ModelLatency")
    assert found == {"Invocations": 2, "Invocation4XXErrors": 1, "Invocation5XXErrors": 0}
    assert 200 < latency < 5_000_000  # microseconds
