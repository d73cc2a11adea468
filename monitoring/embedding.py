"""The trained model: what it answers, and the embedding, which is what its last layer sees."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx
from onnx.utils import Extractor

from service.jobs import read_member
from service.terminal import UserError

# Read as ONNX Runtime is imported, which would report to its maker.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

BATCH = 64

Network = Callable[[np.ndarray], np.ndarray]  # photos uint8 N x side x side x 3 -> float32 N x D


@dataclass(frozen=True)
class Model:
    """A trained model: where it lies, its class names, and what it makes of photos.

    `answer` gives probabilities. `embed` is None for a model that was trained before models had an
    embedding.
    """

    name: str
    classes: list[str]
    answer: Network
    embed: Network | None


def fetch(s3, uri: str) -> Model:
    """Read the model from a model.tar.gz in S3. Raises UserError if there is none."""
    return make_model(uri, *(read_member(s3, uri, name) for name in ("model.onnx", "classes.json")))


def make_model(name: str, graph: bytes, classes: bytes) -> Model:
    """Return the model of a model.onnx and a classes.json. Raises UserError if they are broken."""
    try:
        cut = cut_embedding(graph)
        embed = _open(cut, "embedding") if cut else None
        return Model(name, json.loads(classes), _open(graph, "probabilities"), embed)
    except Exception as error:  # protobuf, ONNX and its runtime have many classes of errors
        raise UserError(f"The model in {name} cannot be read: {error}") from error


def cut_embedding(graph: bytes) -> bytes | None:
    """Return the part of a graph as far as its embedding; None if it has none.

    Without the rest, such as the image's mirror, it takes half the time.
    """
    model = onnx.load_from_string(graph)
    if "embedding" not in [output.name for output in model.graph.output]:
        return None
    return Extractor(model).extract_model(["images"], ["embedding"]).SerializeToString()


def _open(graph: bytes, output: str) -> Network:
    """Return what computes one output of a graph, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def compute(photos: np.ndarray) -> np.ndarray:
        starts = range(0, len(photos), BATCH)
        parts = [session.run([output], {"images": photos[n : n + BATCH]})[0] for n in starts]
        return np.concatenate(parts)

    return compute
