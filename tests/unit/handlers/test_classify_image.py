import base64
from unittest.mock import Mock

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber

from handlers import classify_image, errors
from tests.unit.handlers.calls import CONTEXT, answer

PIXELS = bytes(range(256)) * 4
EVENT = {
    "s3_bucket": "photos",
    "s3_key": "bike.png",
    "image_data": base64.b64encode(PIXELS).decode(),
}
ANSWER = b'{"classes": ["bicycle", "motorcycle"], "inferences": [[0.9, 0.1]]}'


@pytest.fixture
def sagemaker():
    with Stubber(classify_image.SAGEMAKER) as stub:
        yield stub
        stub.assert_no_pending_responses()


def call(event=EVENT):
    return classify_image.handler(event, CONTEXT)


def test_the_image_is_swapped_for_what_the_model_sees_in_it(sagemaker):
    request = {"EndpointName": "vehicles", "ContentType": "image/png", "Body": PIXELS}
    request["InferenceId"] = classify_image.image_id("photos", "bike.png")
    request["Accept"] = "application/json"
    sagemaker.add_response("invoke_endpoint", answer(ANSWER), request)
    place = {"s3_bucket": "photos", "s3_key": "bike.png"}
    seen = {"inferences": [0.9, 0.1], "label": "bicycle", "confidence": 0.9}
    assert call() == place | seen


@pytest.mark.parametrize(
    "event", [None, {}, {"image_data": None}, {"image_data": "not base64!"}, {"image_data": "abc"}]
)
def test_junk_events_are_invalid_input(event):
    with pytest.raises(errors.InvalidInput, match=r"event|image_data"):
        call(event)


@pytest.mark.parametrize(
    ("code", "status", "message", "name"),
    [
        ("ValidationError", 400, "Endpoint vehicles not found.", errors.EndpointNotFound),
        ("ValidationError", 400, "Body is too long.", errors.InvalidInput),
        ("AccessDeniedException", 400, "no", errors.AccessDenied),
        ("ExpiredTokenException", 403, "no", errors.AccessDenied),
        ("ThrottlingException", 400, "slower", errors.EndpointThrottled),
        ("ModelNotReadyException", 429, "soon", errors.EndpointUnavailable),
        ("InternalDependencyException", 530, "oh", errors.EndpointUnavailable),
        # Of the model's own errors its own status counts.
        ("ModelError", 400, "the model says no", errors.InvalidModelResponse),
        ("ModelError", 429, "the model says no", errors.EndpointThrottled),
        ("ModelError", 500, "the model says no", errors.EndpointUnavailable),
    ],
)
def test_errors_of_sagemaker_have_names(sagemaker, code, status, message, name):
    more = {}
    if code == "ModelError":
        more, status = {"modeled_fields": {"OriginalStatusCode": status}}, 424
    sagemaker.add_client_error("invoke_endpoint", code, message, status, **more)
    with pytest.raises(name, match=message):
        call()


@pytest.mark.parametrize(
    ("failure", "name"),
    [
        (ReadTimeoutError, errors.EndpointTimeout),
        (EndpointConnectionError, errors.EndpointUnavailable),
    ],
)
def test_no_answer_has_a_name(monkeypatch, failure, name):
    failing = Mock(side_effect=failure(endpoint_url="https://runtime.sagemaker"))
    monkeypatch.setattr(classify_image.SAGEMAKER, "invoke_endpoint", failing)
    with pytest.raises(name):
        call()


def test_no_image_reaches_the_log_when_told_to_log_events(sagemaker, log, monkeypatch):
    monkeypatch.setenv("POWERTOOLS_LOGGER_LOG_EVENT", "true")
    sagemaker.add_response("invoke_endpoint", answer(b"rubbish"))
    with pytest.raises(errors.InvalidModelResponse) as failure:
        call()
    assert EVENT["image_data"][:40] not in log.getvalue() + str(failure.value)
