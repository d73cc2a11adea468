"""Connections to model servers are kept, and their loss is noticed."""

import asyncio

import pytest

from local.sagemaker.invocation import HttpClient, UnavailableError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nhi"


class Server:
    """Answers each request with the next of `answers`; None closes the connection instead.

    With `ends` it closes the connection after each answer too.
    """

    def __init__(self, *answers: bytes | None, ends: bool = False):
        self._answers = list(answers)
        self._ends = ends
        self.connections = 0

    async def __aenter__(self) -> int:
        """The server's port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self._server.sockets[0].getsockname()[1]

    async def __aexit__(self, *_):
        self._server.close()

    async def _serve(self, reader, writer):
        self.connections += 1
        while await reader.read(1 << 16):
            answer = self._answers.pop(0) if self._answers else None
            if answer is None:
                break
            writer.write(answer)
            if self._ends:
                break
        writer.close()


def post(server: Server, times: int = 1) -> list:
    """The responses, or errors, of that many requests."""

    async def run():
        client, posts = HttpClient(), []
        async with server as port:
            for _ in range(times):
                try:
                    posts.append(await client.post(port, {"accept": "*/*"}, b"body"))
                except UnavailableError as error:
                    posts.append(error)
        await client._session.close()
        return posts

    return asyncio.run(run())


def test_requests_share_a_connection():
    server = Server(OK, OK, OK)
    responses = post(server, 3)
    assert [(response.status, response.body) for response in responses] == [(200, b"hi")] * 3
    assert responses[0].headers["content-type"] == "text/plain"
    assert server.connections == 1


def test_a_kept_connection_that_was_closed_is_replaced():
    server = Server(OK, None, OK)
    assert [response.body for response in post(server, 2)] == [b"hi", b"hi"]
    assert server.connections == 2


def test_a_connection_that_the_server_will_close_is_not_kept():
    server = Server(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), OK)
    assert [response.body for response in post(server, 2)] == [b"hi", b"hi"]
    assert server.connections == 2


@pytest.mark.parametrize("answer", [b"", OK[:-1], b"rubbish\r\n\r\n"])
def test_an_answer_that_does_not_come_whole_is_an_error(answer):
    (error,) = post(Server(answer, ends=True))
    assert isinstance(error, UnavailableError)


def test_no_server_is_an_error():
    async def run():
        client = HttpClient()
        async with Server() as port:
            pass
        await client.post(port, {}, b"")

    with pytest.raises(UnavailableError):
        asyncio.run(run())
