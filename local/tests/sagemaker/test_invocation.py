"""InvokeEndpoint answers as AWS's runtime does, also when it cannot."""

import asyncio
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from local.sagemaker import invocation
from local.sagemaker.errors import ServiceError
from local.sagemaker.invocation import HttpClient, UnavailableError
from local.sagemaker.logs import endpoint_group
from local.tests.conftest import ACCOUNT, free_port
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


def test_a_container_that_takes_too_long_is_a_model_error(monkeypatch):
    async def post(*_):
        await asyncio.sleep(60)

    monkeypatch.setattr(invocation, "_SECONDS_TO_ANSWER", 0.01)
    http, server = SimpleNamespace(post=post), SimpleNamespace(port=0, in_flight=1)
    deployment = SimpleNamespace(capture=None, variant="v0")
    endpoint = SimpleNamespace(choose=lambda: (deployment, server))
    with pytest.raises(ServiceError) as raised:
        asyncio.run(invocation.invoke(http, endpoint, "slow", {}, b""))
    assert (raised.value.code, raised.value.status) == ("ModelError", 424)
    assert raised.value.members["OriginalStatusCode"] == 0
    assert "timed out" in raised.value.message
    assert server.in_flight == 0


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


def post(*answers: bytes | None, times: int = 1) -> list:
    """The bodies of so many requests to a server with these answers; None closes a connection."""
    left, found = list(answers), []

    async def serve(reader, writer):
        while left and await reader.read(1 << 16):
            answer = left.pop(0)
            writer.write(answer or b"")
            if answer is None:
                break
        writer.close()

    async def run():
        client, server = HttpClient(), await asyncio.start_server(serve, "127.0.0.1", 0)
        for _ in range(times):
            port = server.sockets[0].getsockname()[1]
            found.append((await client.post(port, {}, b""))[2])
        await client._session.close()
        server.close()

    asyncio.run(run())
    return found


def test_a_kept_connection_that_was_closed_is_replaced():
    assert post(OK, None, OK, times=2) == [b"hi", b"hi"]


@pytest.mark.parametrize("answers", [(OK[:-1],), (None, None)])
def test_an_answer_that_does_not_come_whole_is_an_error(answers):
    with pytest.raises(UnavailableError):
        post(*answers)


def test_no_server_is_an_error():
    with pytest.raises(UnavailableError):
        asyncio.run(HttpClient().post(free_port(), {}, b""))
