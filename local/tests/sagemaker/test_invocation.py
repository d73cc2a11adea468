"""InvokeEndpoint answers as AWS's runtime does, also when it cannot."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from local.sagemaker import invocation
from local.sagemaker.logs import endpoint_group
from local.sagemaker.requests import ServiceError
from local.tests.conftest import ACCOUNT, Metrics, free_port
from local.tests.sagemaker.conftest import photo


def test_an_answer_keeps_its_type_and_names_its_variant(sagemaker, endpoint):
    answer = sagemaker.invoke(endpoint, Accept="application/json")
    assert answer["ContentType"] == "application/json"
    assert answer["InvokedProductionVariant"] == "v0"
    assert answer["json"]["classes"] == ["bicycle", "motorcycle"]
    assert sum(answer["json"]["inferences"][0]) == pytest.approx(1)


def test_an_endpoint_that_does_not_exist_is_named(sagemaker):
    with pytest.raises(ClientError) as raised:
        sagemaker.invoke("nowhere")
    error = raised.value.response
    assert error["Error"]["Code"] == "ValidationError"
    assert error["Error"]["Message"] == f"Endpoint nowhere of account {ACCOUNT} not found."
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_what_the_container_refuses_is_a_model_error(sagemaker, endpoint):
    with pytest.raises(sagemaker.runtime.exceptions.ModelError) as raised:
        sagemaker.invoke(endpoint, ContentType="text/plain", Body=b"hello")
    error = raised.value.response
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert error["OriginalStatusCode"] == 415
    assert "text/plain" in error["OriginalMessage"]
    assert error["LogStreamArn"].endswith(endpoint_group(endpoint))
    assert error["Error"]["Message"].startswith("Received client error (415) from primary")


def test_a_body_of_six_megabytes_is_the_limit(sagemaker, endpoint):
    with pytest.raises(sagemaker.runtime.exceptions.ModelError):
        sagemaker.invoke(endpoint, Body=bytes(6_291_456))
    with pytest.raises(ClientError, match="less than or equal to 6291456") as raised:
        sagemaker.invoke(endpoint, Body=bytes(6_291_457))
    assert raised.value.response["Error"]["Code"] == "ValidationError"


def test_what_is_not_emulated_is_refused_by_name(sagemaker, endpoint):
    with pytest.raises(
        ClientError, match="does not emulate the header x-amzn-sagemaker-target-model"
    ):
        sagemaker.invoke(endpoint, TargetModel="v0")
    with pytest.raises(ClientError, match=r"not emulate .*invocations-response-stream"):
        sagemaker.runtime.invoke_endpoint_with_response_stream(EndpointName=endpoint, Body=photo())


NAMES = ("Invocations", "Invocation4XXErrors", "Invocation5XXErrors", "ModelLatency")


def test_requests_are_counted_by_how_they_are_answered(session, sagemaker, bicycle_model):
    endpoint = sagemaker.endpoint(sagemaker.config(bicycle_model))
    sagemaker.invoke(endpoint)
    with pytest.raises(sagemaker.runtime.exceptions.ModelError):
        sagemaker.invoke(endpoint, ContentType="text/plain", Body=b"hello")
    metric = f"AWS/SageMaker:{{}}|EndpointName={endpoint}|VariantName=v0"
    metrics = Metrics(session)
    *counts, latency = (metrics.points(metric.format(name), "Sum")["Sum"] for name in NAMES)
    assert counts == [2, 1, 0]
    assert 200 < latency < 5_000_000  # microseconds
    sagemaker.delete(endpoint)


def invoke(port: int) -> ServiceError:
    """The error of an invocation of a server on that port, which is then at work no more."""
    server = SimpleNamespace(port=port, in_flight=1)
    deployment = SimpleNamespace(capture=None, variant="v0")
    endpoint = SimpleNamespace(choose=lambda: (deployment, server))
    with pytest.raises(ServiceError) as raised:
        asyncio.run(invocation.invoke(endpoint, "slow", {}, b""))
    assert server.in_flight == 0
    assert (raised.value.code, raised.value.status) == ("ModelError", 424)
    assert raised.value.members["OriginalStatusCode"] == 0
    return raised.value


@contextlib.contextmanager
def server(answer: bytes, seconds: float = 0) -> Iterator[int]:
    """The port of a server that gives this answer after some time, and closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1 << 16)
                time.sleep(seconds)
                connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]


def test_a_container_that_takes_too_long_is_a_model_error(monkeypatch):
    monkeypatch.setattr(invocation, "_SECONDS_TO_ANSWER", 0.1)
    with server(b"", seconds=0.5) as port:
        assert "timed out" in invoke(port).message


def test_an_answer_that_does_not_come_or_not_whole_is_a_model_error():
    assert "could not get a response" in invoke(free_port()).message
    for answer in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh"):
        with server(answer) as port:
            assert "could not get a response" in invoke(port).message
