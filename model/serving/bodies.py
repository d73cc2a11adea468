"""Bodies and media types of requests and answers."""

import io
import json
import math

import numpy as np

from .errors import InvalidArray, NotAcceptable, UnsupportedMediaType

JSON = "application/json"
NPY = "application/x-npy"
PNG = "image/png"
TYPES = (NPY, PNG)
ENCODER = json.JSONEncoder(separators=(",", ":"))
ACCEPTED = (JSON, "application/*", "*/*")


def media_type(header: str, side: int) -> str:
    """The media type of a Content-Type header, one of TYPES. Raises UnsupportedMediaType."""
    name = header.partition(";")[0].strip().lower()
    if name not in TYPES:
        raise UnsupportedMediaType(
            f"Content-Type is {name[:64] or 'missing'}; the endpoint takes {NPY}, uint8 "
            f"N x {side} x {side} x 3, and {PNG} of {side} x {side} pixels: shrink photos before"
        )
    return name


def check_accept(header: str) -> None:
    """Raise NotAcceptable unless an Accept header takes JSON, as which the endpoint answers."""
    kinds = [part.partition(";")[0].strip().lower() for part in (header or "*/*").split(",")]
    if not any(kind in ACCEPTED for kind in kinds):
        raise NotAcceptable(f"Accept is {header[:64]}; the endpoint answers in {JSON}")


def read_array(body: bytes, side: int) -> np.ndarray:
    """An npy body as images: uint8 N x side x side x 3, N at least 1, a view of the body.

    Raises InvalidArray.
    """
    array = read_npy(body)
    if array.dtype != np.uint8 or not array.flags.c_contiguous:
        order = "C" if array.flags.c_contiguous else "Fortran"
        kind = str(array.dtype)[:64]
        raise InvalidArray(f"the array is {kind} in {order} order; send uint8 in C order")
    shape = array.shape
    if len(shape) != 4 or shape[0] < 1 or shape[1:] != (side, side, 3):
        sides = " x ".join(map(str, shape)) or "a single number"
        raise InvalidArray(f"the array is {sides[:64]}; send N x {side} x {side} x 3, N at least 1")
    return array


def read_npy(body: bytes) -> np.ndarray:
    """An npy body as an array of numbers, a view of the body.

    Only the header is parsed, and compared with the body's length. Raises InvalidArray.
    """
    stream = io.BytesIO(body)
    try:
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran_order, dtype = read_header(stream)
    except Exception as error:  # NumPy evaluates the header's text: it raises many classes
        raise InvalidArray("the body is not an npy array") from error
    if dtype.hasobject or min(shape, default=0) < 0:
        raise InvalidArray("the array holds Python objects, or has a side below 0; send numbers")
    size = len(body) - stream.tell()
    if size != math.prod(shape) * dtype.itemsize:
        raise InvalidArray(f"the header promises another array than the {size} bytes after it")
    try:
        return np.ndarray(shape, dtype, body, stream.tell(), order="F" if fortran_order else "C")
    except (ValueError, OverflowError) as error:  # more sides, or longer ones, than NumPy takes
        raise InvalidArray("the array has too many sides, or too long ones") from error


def write_answer(probabilities: np.ndarray, classes: list[str]) -> bytes:
    """Probabilities float32 N x C as JSON."""
    answer = {"classes": classes, "inferences": probabilities.tolist()}
    return ENCODER.encode(answer).encode()
