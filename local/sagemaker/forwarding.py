"""HTTP to a model server, over connections that are kept open.

AWS's router keeps connections to the containers open and gives them 60 seconds to answer. Requests
are sent from the server's event loop: a Map of functions that all wait for the endpoint would use
up any pool of threads that they share with it.
"""

import asyncio
from dataclasses import dataclass

import h11

_READ_BYTES = 1 << 16


class UnavailableError(Exception):
    """No connection, or one that ended before the answer did."""


@dataclass
class Response:
    """A server's answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    protocol: h11.Connection


class HttpClient:
    """Requests to one port of this machine. Used from the event loop alone."""

    def __init__(self, port: int):
        self._port = port
        self._idle: list[_Connection] = []

    async def post(self, path: str, headers: dict[str, str], body: bytes) -> Response:
        """POST and return the answer, whatever its status; raises UnavailableError."""
        if self._idle:
            try:
                return await self._exchange(self._idle.pop(), path, headers, body)
            except UnavailableError:
                # The server closed it, as it may at any time, or has ended; then all have.
                self._idle.clear()
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError as error:
            raise UnavailableError(str(error)) from error
        connection = _Connection(reader, writer, h11.Connection(h11.CLIENT))
        return await self._exchange(connection, path, headers, body)

    async def _exchange(
        self, connection: _Connection, path: str, headers: dict[str, str], body: bytes
    ) -> Response:
        protocol = connection.protocol
        reusable = False
        try:
            request = h11.Request(
                method="POST",
                target=path,
                headers=[
                    ("host", f"127.0.0.1:{self._port}"),
                    ("content-length", str(len(body))),
                    *headers.items(),
                ],
            )
            events = (request, h11.Data(data=body), h11.EndOfMessage())
            connection.writer.write(b"".join(protocol.send(event) for event in events))
            await connection.writer.drain()
            response = await _read(connection)
            reusable = protocol.our_state is h11.DONE and protocol.their_state is h11.DONE
            return response
        except (OSError, h11.RemoteProtocolError) as error:
            raise UnavailableError(str(error)) from error
        finally:
            if reusable:
                protocol.start_next_cycle()
                self._idle.append(connection)
            else:
                connection.writer.close()


async def _read(connection: _Connection) -> Response:
    head: h11.Response | None = None
    body = bytearray()
    while True:
        event = connection.protocol.next_event()
        if event is h11.NEED_DATA:
            connection.protocol.receive_data(await connection.reader.read(_READ_BYTES))
        elif isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
            return Response(head.status_code, headers, bytes(body))
        elif isinstance(event, h11.ConnectionClosed):
            raise UnavailableError("the server closed the connection")
