import builtins
import collections
import io
import os
import pickle
import subprocess

import numpy as np
import pytest

from scripts.etl.archive import load_pickle

ARRAY = np.arange(12, dtype=np.uint8).reshape(3, 4)


def load_bytes(data: bytes) -> dict:
    return load_pickle(io.BytesIO(data))


@pytest.mark.parametrize("protocol", [2, 4])
def test_arrays_and_labels_come_out_as_they_went_in(protocol):
    labels = {"fine_labels": [1, 2], "filenames": ["a.png", "b.png"]}
    loaded = load_bytes(pickle.dumps({"data": ARRAY, **labels}, protocol=protocol))
    data = loaded.pop("data")
    assert (data == ARRAY).all()
    assert data.dtype == np.uint8
    assert loaded == labels


def test_files_of_either_numpy_and_of_python_2_are_read():
    modern = pickle.dumps({"data": ARRAY}, protocol=2)
    old = modern.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert old != modern
    assert (load_bytes(old)["data"] == ARRAY).all()
    # {'names': ['ab'], 'data': <bytes as Python 2 wrote them>}: SHORT_BINSTRING throughout.
    assert load_bytes(b"\x80\x02}(U\x05names](U\x02abeu.") == {"names": ["ab"]}
    python_2 = (
        b"\x80\x02}U\x04datacnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n"
        b"(I0\ntU\x01btR(I1\n(I3\nI4\ntcnumpy\ndtype\n(U\x02u1I0\nI1\ntR"
        b"(I3\nU\x01|NNNI-1\nI-1\nI0\ntbI00\nU\x0c" + ARRAY.tobytes() + b"tbs."
    )
    assert (load_bytes(python_2)["data"] == ARRAY).all()


class Calls:
    """Pickles as a call of `function` with `arguments`."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


@pytest.mark.parametrize(
    "malicious",
    [
        Calls(os.system, "touch pwned"),
        Calls(subprocess.Popen, ["touch", "pwned"]),
        Calls(builtins.eval, "open('pwned', 'w')"),
        Calls(getattr, "text", "format"),
        Calls(builtins.bytearray, 10),
        Calls(collections.OrderedDict),
        Calls(np.load, "pwned"),
    ],
    ids=lambda malicious: malicious.function.__name__,
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_calls_anything_else_is_refused(malicious, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = pickle.dumps({"data": malicious}, protocol=protocol)
    with pytest.raises(pickle.UnpicklingError):
        load_bytes(data)
    assert not list(tmp_path.iterdir())


def test_names_that_only_look_allowed_are_refused():
    for module, name in [
        ("numpy", "ndarray.tofile"),
        ("numpy.core.multiarray", "scalar"),
        ("_codecs", "decode"),
        ("numpy", "memmap"),
    ]:
        # SHORT_BINUNICODE twice, then STACK_GLOBAL
        data = b"\x80\x04\x8c" + bytes([len(module)]) + module.encode()
        data += b"\x8c" + bytes([len(name)]) + name.encode() + b"\x93."
        with pytest.raises(pickle.UnpicklingError, match=name):
            load_bytes(data)


@pytest.mark.parametrize(
    "array",
    [
        np.array([{"any": "object"}], dtype=object),
        np.zeros(3, np.float32),
        np.zeros(3, np.int64),
        np.array(["text"]),
        np.zeros(3, [("a", "u1")]),
    ],
    ids=lambda array: str(array.dtype),
)
def test_arrays_of_anything_but_bytes_are_refused(array):
    with pytest.raises(pickle.UnpicklingError):
        load_bytes(pickle.dumps({"data": array}, protocol=2))


@pytest.mark.parametrize(
    "data",
    [
        *(pickle.dumps(content, protocol=2) for content in ([1], "text", ARRAY, None)),
        b"\x80\x02}U\x01aPpersistent\ns.",  # an object from outside the file
        # What it stands in for would import a module of the codec's name.
        b"\x80\x02}U\x01ac_codecs\nencode\n(X\x01\0\0\0aX\x05\0\0\0rot13tRs.",
    ],
)
def test_anything_but_a_dict_of_plain_values_is_refused(data):
    with pytest.raises(pickle.UnpicklingError):
        load_bytes(data)
