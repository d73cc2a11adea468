"""Reads pickles of image arrays and their labels, and runs nothing that they name."""

import pickle
from typing import BinaryIO

import numpy as np


class ForbiddenPickleError(Exception):
    """The pickle names something that image arrays and their labels do not need."""


def load_pickle(file: BinaryIO) -> dict:
    """Return the pickled dict: keys str, values lists, str or uint8 arrays.

    Raises ForbiddenPickleError where the pickle holds anything else, and any of pickle's errors
    where the bytes are no pickle.
    """
    content = _Unpickler(file, encoding="bytes").load()
    if type(content) is not dict:
        raise ForbiddenPickleError(f"a {type(content).__name__} where a dict should be")
    return {_text(key): _plain(value) for key, value in content.items()}


class _ByteType:
    """Replaces the dtype of unsigned bytes, the only one that images have."""

    def __init__(self, kind, align=False, copy=True):
        if kind not in ("u1", b"u1"):
            raise ForbiddenPickleError(f"an array of type {kind!r}")

    def __setstate__(self, state):
        """Ignores the state: byte order and alignment do not matter to bytes."""


class _ByteArray:
    """Replaces numpy.ndarray; `array` is uint8 of the pickled shape."""

    array: np.ndarray

    def __setstate__(self, state):
        _version, shape, kind, column_major, data = state
        if type(kind) is not _ByteType or type(data) is not bytes or column_major:
            raise ForbiddenPickleError("an array that does not hold bytes in row order")
        self.array = np.frombuffer(data, np.uint8).reshape(shape)


def _reconstruct(_subtype, _shape, _kind):
    return _ByteArray()


def _encode(text, encoding):
    """Bytes as Python 3 writes them in protocol 2, the official file's."""
    if type(text) is not str or encoding != "latin1":
        raise ForbiddenPickleError(f"text encoded as {encoding!r}")
    return text.encode("latin1")


REPLACEMENTS = {
    # numpy 2 moved numpy.core to numpy._core; there are files from before and after.
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): _ByteArray,
    ("numpy", "dtype"): _ByteType,
    ("_codecs", "encode"): _encode,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        try:
            return REPLACEMENTS[module, name]
        except KeyError:
            raise ForbiddenPickleError(f"{module}.{name}") from None

    def persistent_load(self, pid):
        raise ForbiddenPickleError("an object from outside the file")


def _plain(value):
    if type(value) is _ByteArray:
        return value.array
    if type(value) is list:
        return [_text(item) for item in value]
    return _text(value)


def _text(value):
    """Python 2 wrote its strings as bytes."""
    return value.decode() if type(value) is bytes else value
