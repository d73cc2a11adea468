"""SageMaker's container contract over HTTP: GET /ping and POST /invocations."""

import asyncio
import logging
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import numpy as np
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .classifier import Classifier
from .errors import RequestError, RequestTooLarge
from .formats import NPY, answer_type, media_type, read_array, write_answer
from .pixels import open_image, to_pixels

MAX_BYTES = 20_000_000
REQUEST_ID_HEADERS = ("x-amzn-sagemaker-inference-id", "x-amzn-requestid", "x-amzn-trace-id")

# A small image is decoded in less time than it takes to hand it to a thread; a large one would keep
# the worker from answering /ping.
INLINE_PIXELS = 512 * 512
# Bounds the memory of a large batch, and lets other requests in between.
BATCH = 64

logger = logging.getLogger("serving")


def create_app(classifier: Classifier) -> Starlette:
    """The application around a model."""
    # One thread: a decoded 50-megapixel image takes hundreds of megabytes.
    decoder = ThreadPoolExecutor(1, thread_name_prefix="decoder")

    async def ping(request: Request) -> Response:
        """200 if the model answers."""
        try:
            classifier.check()
        except Exception:
            logger.exception("the model does not answer")
            return fault(503, "ModelUnavailable", "the model does not answer")
        return Response(status_code=200)

    async def invocations(request: Request) -> Response:
        """Probabilities for the images in the body."""
        start = time.perf_counter()
        record = {"request_id": request_id(request)}
        try:
            response = await classify(request, record)
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
        record["status"] = response.status_code
        record["milliseconds"] = round((time.perf_counter() - start) * 1000, 2)
        logger.info("invocation", extra={"fields": record})
        return response

    async def classify(request: Request, record: dict) -> Response:
        kind = record["content_type"] = media_type(request.headers.get("content-type"))
        answer = answer_type(request.headers.get("accept"))
        body = await read_body(request)
        record["bytes"] = len(body)
        images = await decode(body, kind)
        record["images"] = len(images)

        parts = [classifier(images[:BATCH])]
        for begin in range(BATCH, len(images), BATCH):
            await asyncio.sleep(0)
            parts.append(classifier(images[begin : begin + BATCH]))
        probabilities = parts[0] if len(parts) == 1 else np.concatenate(parts)
        content = write_answer(probabilities, classifier.classes, answer)
        return Response(content, media_type=answer)

    async def decode(body: bytes, kind: str) -> np.ndarray:
        if kind == NPY:
            return read_array(body, classifier.side)
        image = open_image(body, kind)
        if image.width * image.height <= INLINE_PIXELS:
            pixels = to_pixels(image, classifier.side)
        else:
            loop = asyncio.get_running_loop()
            pixels = await loop.run_in_executor(decoder, to_pixels, image, classifier.side)
        return pixels[None]

    return Starlette(
        routes=[
            Route("/ping", ping, methods=["GET"]),
            Route("/invocations", invocations, methods=["POST"]),
        ],
        exception_handlers={HTTPException: no_such_route},
    )


async def read_body(request: Request) -> bytes:
    """The request's body. Raises RequestTooLarge as soon as it must be above MAX_BYTES."""
    length = request.headers.get("content-length", "")
    received, chunks = int(length) if length.isdecimal() else 0, []
    if received <= MAX_BYTES:
        received = 0
        async for chunk in request.stream():
            chunks.append(chunk)
            received += len(chunk)
            if received > MAX_BYTES:
                break
    if received > MAX_BYTES:
        raise RequestTooLarge(f"the body is larger than {MAX_BYTES:,} bytes")
    return b"".join(chunks)


def request_id(request: Request) -> str:
    """The id that the caller gave, cut to a bounded length, or a new one."""
    for name in REQUEST_ID_HEADERS:
        if given := request.headers.get(name):
            return given[:128]
    return uuid.uuid4().hex


def fault(status: int, error: str, message: str) -> JSONResponse:
    """The body of every answer that is no success."""
    return JSONResponse({"error": error, "message": message}, status)


async def no_such_route(request: Request, error: HTTPException) -> Response:
    """404 and 405 in the same form as every other fault."""
    name = HTTPStatus(error.status_code).phrase.title().replace(" ", "")
    message = "the endpoint has GET /ping and POST /invocations"
    return fault(error.status_code, name, message)
