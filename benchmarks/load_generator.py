"""A load generator that costs little CPU: raw HTTP/1.1 over kept connections, in its own process.

A general client would spend as much CPU on a request as the server does, on the same cores. This
one sends bytes made beforehand and reads no more of an answer than its status and its length.
"""

import asyncio
import multiprocessing
import resource
import time
from array import array
from collections import Counter
from dataclasses import dataclass, field

import uvloop


@dataclass
class Load:
    """What a run of the generator saw; `cpu` is its own, `latencies` are in seconds."""

    seconds: float
    cpu: float
    statuses: Counter = field(default_factory=Counter)
    latencies: array = field(default_factory=lambda: array("d"))


def post(body: bytes, content_type: str) -> bytes:
    """POST /invocations as it goes over the wire."""
    head = (
        "POST /invocations HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class LoadGenerator:
    """The process that sends; `run` says what. Use it as a context manager."""

    def __init__(self, port: int):
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, port), daemon=True)
        self._process.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._pipe.close()
        self._process.join()

    def run(
        self,
        requests: list[bytes],
        connections: int,
        seconds: float = float("inf"),
        count: int | None = None,
    ) -> Load:
        """Send the requests in turn, for so long or so many, one at a time on each connection."""
        self._pipe.send((requests, connections, seconds, count))
        answer = self._pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer


def _serve(pipe, port: int) -> None:
    while True:
        try:
            asked = pipe.recv()
        except EOFError:
            return
        try:
            answer = uvloop.run(_run(port, *asked))
        except Exception as error:
            answer = error
        pipe.send(answer)


async def _run(
    port: int, requests: list[bytes], connections: int, seconds: float, count: int | None
) -> Load:
    loop = asyncio.get_running_loop()
    work = _Work(requests, count)
    began, cpu = time.perf_counter(), _cpu()
    work.deadline = began + seconds
    opened = []
    for _ in range(connections):
        # As a pool of connections grows: one more while those that are there are busy. Opened all
        # at once, they might all be accepted by the same worker.
        opened.append(await loop.create_connection(lambda: _Connection(work), "127.0.0.1", port))
        opened[-1][1].send()
    await asyncio.gather(*(connection.done for _, connection in opened))
    load = Load(time.perf_counter() - began, _cpu() - cpu, work.statuses, work.latencies)
    for transport, _ in opened:
        transport.close()
    return load


class _Work:
    """What is to be sent and what came back, shared by the connections."""

    def __init__(self, requests: list[bytes], count: int | None):
        self.requests, self.left = requests, count
        self.sent = 0
        self.deadline = 0.0
        self.statuses: Counter = Counter()
        self.latencies = array("d")

    def next(self) -> bytes | None:
        if time.perf_counter() >= self.deadline or self.sent == self.left:
            return None
        request = self.requests[self.sent % len(self.requests)]
        self.sent += 1
        return request


class _Connection(asyncio.Protocol):
    def __init__(self, work: _Work):
        self._work = work
        self._buffer = b""
        self._expected = 0  # bytes of head and body, once the head is there
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self._transport = transport

    def send(self) -> None:
        request = self._work.next()
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
        self._work.latencies.append(time.perf_counter() - self._sent)
        self._work.statuses[int(self._buffer[9:12])] += 1
        self._buffer, self._expected = b"", 0
        self.send()

    def connection_lost(self, error):
        if not self.done.done():
            self.done.set_exception(ConnectionError("the server closed a connection"))


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
