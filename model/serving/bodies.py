"""Bodies and media types: what a request holds, and how an answer is written."""

import io
import json
import math

import numpy as np

from .errors import InvalidArray, NotAcceptable, UnsupportedMediaType
from .pixels import FORMATS

JSON = "application/json"
NPY = "application/x-npy"
ENCODER = json.JSONEncoder(separators=(",", ":"))
ACCEPTED = {JSON: JSON, "application/*": JSON, "*/*": JSON, NPY: NPY}


def media_type(header: str | None) -> str:
    """The media type of a Content-Type header. Raises UnsupportedMediaType."""
    name = (header or "").partition(";")[0].strip().lower()
    if name not in FORMATS and name != NPY:
        known = ", ".join((*FORMATS, NPY))
        raise UnsupportedMediaType(f"Content-Type is {name or 'missing'}; send one of {known}")
    return name


def answer_type(header: str | None) -> str:
    """The first type of an Accept header that the endpoint answers in. Raises NotAcceptable."""
    for part in (header or "*/*").split(","):
        name = part.partition(";")[0].strip().lower()
        if name in ACCEPTED:
            return ACCEPTED[name]
    raise NotAcceptable(f"Accept is {header}; the endpoint answers in {JSON} or {NPY}")


def read_array(body: bytes, side: int) -> np.ndarray:
    """An npy body as images: uint8 N x side x side x 3, N at least 1, a view of the body.

    Raises InvalidArray.
    """
    array = read_npy(body)
    if array.dtype != np.uint8 or not array.flags.c_contiguous:
        order = "C" if array.flags.c_contiguous else "Fortran"
        raise InvalidArray(f"the array is {array.dtype} in {order} order; send uint8 in C order")
    shape = array.shape
    if len(shape) != 4 or shape[0] < 1 or shape[1:] != (side, side, 3):
        found = " x ".join(map(str, shape)) or "a single number"
        raise InvalidArray(f"the array is {found}; send N x {side} x {side} x 3, N at least 1")
    return array


def read_npy(body: bytes) -> np.ndarray:
    """An npy body as an array of numbers, a view of the body.

    The header alone is parsed, and held against the body's length. Raises InvalidArray.
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
        raise InvalidArray(f"the array is {dtype} of shape {shape}; send numbers")
    expected, found = math.prod(shape) * dtype.itemsize, len(body) - stream.tell()
    if found != expected:
        raise InvalidArray(f"the header promises {expected} bytes of data, {found} follow")
    return np.ndarray(shape, dtype, body, stream.tell(), order="F" if fortran_order else "C")


def write_answer(probabilities: np.ndarray, classes: list[str], kind: str) -> bytes:
    """Probabilities float32 N x C in the type asked for; npy holds no class names."""
    if kind == NPY:
        stream = io.BytesIO()
        np.save(stream, probabilities, allow_pickle=False)
        return stream.getvalue()
    answer = {"classes": classes, "inferences": probabilities.tolist()}
    return ENCODER.encode(answer).encode()
