"""A load generator that costs little CPU: raw HTTP/1.1 over kept connections.

A general client would spend as much CPU on a request as the server does, on the same cores. This
one sends bytes made beforehand and reads no more of an answer than its status and its length.
"""

import asyncio
import time
from array import array
from collections import Counter
from dataclasses import dataclass, field

import uvloop


@dataclass
class Load:
    """What is sent and what came back: `latencies` are in seconds."""

    requests: list[bytes]
    deadline: float
    most: float
    sent: int = 0
    seconds: float = 0.0
    statuses: Counter = field(default_factory=Counter)
    latencies: array = field(default_factory=lambda: array("d"))

    def take(self) -> bytes | None:
        """Return the next request, or None if there is no time or request left."""
        if time.perf_counter() >= self.deadline or self.sent >= self.most:
            return None
        self.sent += 1
        return self.requests[self.sent % len(self.requests)]


def encode_post(body: bytes, content_type: str) -> bytes:
    """Return POST /invocations as it goes over the wire."""
    head = (
        "POST /invocations HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def send(
    port: int,
    requests: list[bytes],
    connections: int,
    seconds: float = float("inf"),
    most: float = float("inf"),
) -> Load:
    """Send the requests in turn, for so long or so many, one at a time on each connection."""
    return uvloop.run(_send(port, Load(requests, time.perf_counter() + seconds, most), connections))


async def _send(port: int, load: Load, connections: int) -> Load:
    loop = asyncio.get_running_loop()
    began, opened = time.perf_counter(), []
    for _ in range(connections):
        # As a pool of connections grows: one more while those that are there are busy. Opened all
        # at once, they might all be accepted by the same worker.
        opened.append(await loop.create_connection(lambda: _Connection(load), "127.0.0.1", port))
        opened[-1][1].send()
    await asyncio.gather(*(connection.done for _, connection in opened))
    load.seconds = time.perf_counter() - began
    load.requests = []  # the process that asked has them
    for transport, _ in opened:
        transport.close()
    return load


class _Connection(asyncio.Protocol):
    def __init__(self, load: Load):
        self._load = load
        self._buffer = b""
        self._expected = 0  # bytes of head and body, once the head is there
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self._transport = transport

    def send(self) -> None:
        request = self._load.take()
        if request is None:
            self.done.set_result(None)
            return
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data):
        self._buffer += data
        if not self._expected:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._buffer[:end].lower()
            at = head.index(b"content-length:") + 15
            self._expected = end + 4 + int(head[at:].split(b"\r\n", 1)[0])
        if len(self._buffer) < self._expected:
            return
        self._load.latencies.append(time.perf_counter() - self._sent)
        self._load.statuses[int(self._buffer[9:12])] += 1
        self._buffer, self._expected = b"", 0
        self.send()

    def connection_lost(self, error):
        if not self.done.done():
            self.done.set_exception(ConnectionError("the server closed a connection"))
