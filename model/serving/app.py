"""SageMaker's container contract over HTTP: GET /ping and POST /invocations.

A bare ASGI application: a web framework would add a third to a small image's cost beside inference.
"""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .bodies import JSON, NPY, check_accept, media_type, read_array, write_answer
from .classifier import Classifier
from .errors import RequestError, RequestTooLarge
from .pixels import read_png

MAX_BYTES = 6_291_456  # InvokeEndpoint takes no more
REQUEST_ID_HEADERS = (b"x-amzn-sagemaker-inference-id", b"x-amzn-requestid", b"x-amzn-trace-id")

BATCH = 64  # images at once: it bounds memory and lets other requests in between

logger = logging.getLogger("serving")

Receive = Callable[[], Awaitable[dict]]
Send = Callable[[dict], Awaitable[None]]


class ClientDisconnect(Exception):  # noqa: N818 - the log names it so
    """The caller closed the connection before its request was whole."""


@dataclass(slots=True)
class Request:
    """One request: its headers by lower-case name, and ASGI's channel for its body."""

    headers: dict[bytes, bytes]
    receive: Receive

    def header(self, name: bytes) -> str:
        """A header's value, "" without the header."""
        return self.headers.get(name, b"").decode("latin-1")


@dataclass(slots=True)
class Response:
    """One answer; `allow` is the header of that name."""

    status: int
    body: bytes = b""
    media_type: str = JSON
    allow: str | None = None


class Application:
    """The ASGI application around a model."""

    def __init__(self, classifier: Classifier):
        self._classifier = classifier
        self._routes = {
            "/ping": ("GET", self._ping),
            "/invocations": ("POST", self._invocations),
        }

    async def __call__(self, scope: dict, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        method, action = self._routes.get(scope["path"], ("", None))
        if action is None:
            response = fault(404, "NotFound", "the endpoint has GET /ping and POST /invocations")
        elif scope["method"] != method:
            response = fault(405, "MethodNotAllowed", f"{scope['path']} takes {method} alone")
            response.allow = method
        else:
            response = await action(Request(dict(scope["headers"]), receive))
        headers = [
            (b"content-type", response.media_type.encode()),
            (b"content-length", str(len(response.body)).encode()),
        ]
        if response.allow:
            headers.append((b"allow", response.allow.encode()))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})

    async def _ping(self, request: Request) -> Response:
        """200 if the model answers."""
        try:
            self._classifier.check()
        except Exception:
            logger.exception("the model does not answer")
            return fault(503, "ModelUnavailable", "the model does not answer")
        return Response(200)

    async def _invocations(self, request: Request) -> Response:
        """Probabilities for the images in the body."""
        start = time.perf_counter()
        record: dict[str, Any] = {"request_id": request_id(request)}
        try:
            response = await self._classify(request, record)
        except RequestError as error:
            record["error"] = type(error).__name__
            response = fault(error.status, record["error"], str(error))
        except ClientDisconnect:
            record["error"] = "ClientDisconnect"
            response = fault(400, record["error"], "the connection ended before the body did")
        except Exception:
            record["error"] = "InternalError"
            logger.exception("invocation failed", extra={"fields": record})
            response = fault(500, record["error"], "the model server failed; its log says why")
        record["status"] = response.status
        record["milliseconds"] = round((time.perf_counter() - start) * 1000, 2)
        logger.info("invocation", extra={"fields": record})
        return response

    async def _classify(self, request: Request, record: dict) -> Response:
        side = self._classifier.side
        kind = record["content_type"] = media_type(request.header(b"content-type"), side)
        check_accept(request.header(b"accept"))
        body = await read_body(request)
        record["bytes"] = len(body)
        images = read_array(body, side) if kind == NPY else read_png(body, side)[None]
        record["images"] = len(images)

        parts = [self._classifier(images[:BATCH])]
        for begin in range(BATCH, len(images), BATCH):
            await asyncio.sleep(0)
            parts.append(self._classifier(images[begin : begin + BATCH]))
        probabilities = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return Response(200, write_answer(probabilities, self._classifier.classes), JSON)


async def read_body(request: Request) -> bytes:
    """The request's body.

    Raises RequestTooLarge as soon as it exceeds MAX_BYTES, or says that it will, and
    ClientDisconnect.
    """
    length = request.headers.get(b"content-length", b"")
    received, chunks, more = int(length) if length.isdigit() else 0, [], True
    if received <= MAX_BYTES:
        received = 0
        while more and received <= MAX_BYTES:
            event = await request.receive()
            if event["type"] == "http.disconnect":
                raise ClientDisconnect
            chunks.append(event.get("body", b""))
            received += len(chunks[-1])
            more = event.get("more_body", False)
    if received > MAX_BYTES:
        raise RequestTooLarge(f"the body is larger than {MAX_BYTES:,} bytes")
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def request_id(request: Request) -> str:
    """The caller's id, cut to 128 characters, or a new one."""
    for name in REQUEST_ID_HEADERS:
        if value := request.header(name):
            return value[:128]
    return uuid.uuid4().hex


def fault(status: int, error: str, message: str) -> Response:
    """The answer to a request that failed."""
    return Response(status, json.dumps({"error": error, "message": message}).encode())
