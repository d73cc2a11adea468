"""The trained model: what it answers, and the embedding, which is what its last layer sees."""

import json
import os
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


class Network:
    """One output of a graph, on one thread: photos uint8 N x side x side x 3 -> float32 N x D."""

    def __init__(self, graph: bytes, output: str):
        self.graph, self.output = graph, output
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        providers = ["CPUExecutionProvider"]
        self.session = onnxruntime.InferenceSession(graph, options, providers=providers)

    def __reduce__(self):
        return Network, (self.graph, self.output)  # a session stays in its process

    def __call__(self, photos: np.ndarray) -> np.ndarray:
        """Compute the output."""
        starts = range(0, len(photos), BATCH)
        batches = [{"images": photos[start : start + BATCH]} for start in starts]
        return np.concatenate([self.session.run([self.output], each)[0] for each in batches])


@dataclass(frozen=True)
class Model:
    """A trained model: where it lies, its class names, and what it makes of photos.

    `answer` gives probabilities. `embed` is None for a model without an output `embedding`.
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
        embed = Network(cut, "embedding") if cut else None
        return Model(name, json.loads(classes), Network(graph, "probabilities"), embed)
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
