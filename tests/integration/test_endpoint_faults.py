"""An endpoint that is missing, down, slow, throttling or talking rubbish: retried or named."""

import pytest

from tests.integration.fault_server import answer, configured, endpoint, error, slow
from tests.integration.service import STAGE

GOOD = answer({"classes": ["bicycle", "motorcycle"], "inferences": [[0.97, 0.03]]})


def classify_one(service, photo) -> dict:
    """The result of a batch of one; where it failed, `cause` holds what BatchFailed says."""
    execution = service.classify([photo])
    if execution["status"] == "FAILED":
        return {"status": "failed", "cause": execution["cause"]}
    return execution["output"]["results"][0]


def test_throttling_is_retried_until_it_ends(service, photo):
    throttled = error(400, "ThrottlingException", "Rate exceeded")
    with service.short_waits(), endpoint(service, lambda n: throttled if n < 2 else GOOD) as asked:
        assert classify_one(service, photo)["status"] == "accepted"
    assert len(asked) == 3  # twice by the function, once more by the state machine


def test_an_endpoint_that_does_not_exist_is_named_and_not_retried(service, photo):
    with configured(service, ENDPOINT_NAME=f"scones-vehicles-{STAGE}-nowhere"):
        result = classify_one(service, photo)
    assert result["status"] == "failed"
    # The role allows the service's own endpoint and no other.
    assert "AccessDenied" in result["cause"]


@pytest.mark.proof
def test_a_slow_endpoint_is_given_up_and_named(service, photo):
    with service.short_waits(), endpoint(service, slow(12, GOOD)) as requests:
        result = classify_one(service, photo)
    assert result["status"] == "failed"
    assert "EndpointTimeout" in result["cause"]
    assert len(requests) == 2 * 4  # by the function, by the state machine
