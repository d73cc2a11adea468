"""What a model answered, in any of the shapes in which classifiers answer."""

import json
from typing import Any

import numpy as np

from model.serving.errors import InvalidArray
from model.serving.formats import JSON, NPY, read_npy
from scripts.monitoring.records import Payload, RecordError

CSV = "text/csv"
SUM_TOLERANCE = 0.01  # not every algorithm answers with all digits


def read_answer(payload: Payload) -> tuple[list[str] | None, np.ndarray]:
    """Return the class names, where the answer has them, and the probabilities, float32 N x C.

    Read are `{"classes": [...], "inferences": [[...], ...]}`, a list of numbers, a list of such
    lists, CSV with a row an image, and an npy array. Raises RecordError.
    """
    kinds = {JSON: _json, CSV: _csv, NPY: _npy}
    kind = kinds.get(payload.media_type) or {"JSON": _json, "CSV": _csv}.get(payload.encoding)
    if kind is None:
        named = payload.media_type or "of no stated type"
        raise RecordError(f"the answer is {named}, not JSON, CSV or npy")
    classes, values = kind(payload.data)
    return classes, _probabilities(values, classes)


def _json(data: bytes) -> tuple[list[str] | None, np.ndarray]:
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError):
        raise RecordError("the answer is not JSON") from None
    if isinstance(answer, list):
        return None, _numbers(answer)
    if not isinstance(answer, dict):
        raise RecordError(f"the answer is a {type(answer).__name__}, not probabilities")
    if not {"classes", "inferences"} <= answer.keys():
        members = ", ".join(map(repr, list(answer)[:5])) or "nothing"
        raise RecordError(f"the answer has {members[:80]}, not 'classes' and 'inferences'")
    classes = answer["classes"]
    if (
        not isinstance(classes, list)
        or not all(isinstance(name, str) and name for name in classes)
        or len(set(classes)) < len(classes)
    ):
        raise RecordError("the answer's classes are not different names")
    return classes, _numbers(answer["inferences"])


def _csv(data: bytes) -> tuple[None, np.ndarray]:
    rows = [line.split(b",") for line in data.split(b"\n") if line.strip()]
    try:
        return None, _numbers([[float(cell) for cell in row] for row in rows])
    except ValueError:
        raise RecordError("the answer's CSV holds something else than numbers") from None


def _npy(data: bytes) -> tuple[None, np.ndarray]:
    try:
        return None, _numbers(read_npy(data))
    except InvalidArray as error:
        raise RecordError(f"the answer is broken npy: {error}") from None


def _numbers(values: Any) -> np.ndarray:
    """Numbers as a matrix, where one row may stand without its list."""
    try:
        array = np.asarray(values)
    except ValueError:
        raise RecordError("the answer's rows are not of one length") from None
    if array.dtype.kind not in "fiu" or array.ndim not in (1, 2) or not array.size:
        raise RecordError("the answer is not rows of probabilities")
    return array.reshape(-1, array.shape[-1])


def _probabilities(values: np.ndarray, classes: list[str] | None) -> np.ndarray:
    if classes is not None and values.shape[1] != len(classes):
        raise RecordError(f"{len(classes)} classes came with {values.shape[1]} probabilities")
    # Not a number fails any comparison.
    if not (values.min() >= 0 and np.abs(values.sum(1) - 1).max() <= SUM_TOLERANCE):
        raise RecordError("the answer's numbers are not probabilities that sum to 1")
    return values.astype(np.float32)
