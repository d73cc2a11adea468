"""Reads pickles of image arrays and their labels, and runs nothing that they name."""

import pickle
from pickle import UnpicklingError
from typing import BinaryIO

import numpy as np


def load_pickle(file: BinaryIO) -> dict:
    """Return the pickled dict: keys str, values lists, str or uint8 arrays.

    Raises UnpicklingError where the pickle names anything else than such arrays need, and any of
    pickle's errors where the bytes are no pickle.
    """
    content = _Unpickler(file, encoding="bytes").load()
    if type(content) is not dict:
        raise UnpicklingError(f"a {type(content).__name__} where a dict should be")
    return {_text(key): _plain(value) for key, value in content.items()}


def _encode(text, encoding):
    """Bytes as Python 3 writes them in protocol 2, the official file's."""
    if type(text) is not str or encoding != "latin1":
        raise UnpicklingError(f"text encoded as {encoding!r}")
    return text.encode("latin1")


_reconstruct, *_ = np.empty(0).__reduce__()
ALLOWED = {
    # numpy 2 moved numpy.core to numpy._core; there are files from before and after.
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _encode,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) not in ALLOWED:
            raise UnpicklingError(f"it names {module}.{name}")
        return ALLOWED[module, name]


def _plain(value):
    if isinstance(value, np.ndarray) and value.dtype != np.uint8:
        raise UnpicklingError(f"an array of {value.dtype}")
    return [_text(item) for item in value] if type(value) is list else _text(value)


def _text(value):
    """Python 2 wrote its strings as bytes."""
    return value.decode() if type(value) is bytes else value
