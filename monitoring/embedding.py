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


@dataclass(frozen=True)
class Model:
    """A trained model: where it lies, its class names, and its graph in ONNX.

    `graph` is the part as far as the embedding; None for a model that was trained before models
    had an embedding. `whole` answers with probabilities.
    """

    name: str
    classes: list[str]
    graph: bytes | None
    whole: bytes


def fetch(s3, uri: str) -> Model:
    """Read the model from a model.tar.gz in S3. Raises UserError if there is none."""
    return make_model(uri, *(read_member(s3, uri, name) for name in ("model.onnx", "classes.json")))


def make_model(name: str, whole: bytes, classes: bytes) -> Model:
    """Return the model of a model.onnx and a classes.json. Raises UserError if they are broken."""
    try:
        model = onnx.load_from_string(whole)
        graph = None
        if "embedding" in [output.name for output in model.graph.output]:
            # Without the rest, such as the image's mirror, it takes half the time.
            cut = Extractor(model).extract_model(["images"], ["embedding"])
            graph = cut.SerializeToString()
        return Model(name, json.loads(classes), graph, whole)
    except Exception as error:  # protobuf and ONNX have many classes of errors
        raise UserError(f"The model in {name} cannot be read: {error}") from error


class Network:
    """One output of a graph, on one thread. UserError if ONNX Runtime does not run the graph."""

    def __init__(self, graph: bytes, output: str):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._output = output
        try:
            self._session = onnxruntime.InferenceSession(
                graph, options, providers=["CPUExecutionProvider"]
            )
            if output not in [each.name for each in self._session.get_outputs()]:
                raise ValueError(f"it answers without {output}")
        except Exception as error:  # ONNX Runtime has no common class of errors
            raise UserError(f"The model cannot be used: {error}") from error

    def __call__(self, photos: np.ndarray) -> np.ndarray:
        """Photos uint8 N x side x side x 3 -> the output float32 N x D."""
        parts = [
            self._session.run([self._output], {"images": photos[start : start + BATCH]})[0]
            for start in range(0, len(photos), BATCH)
        ]
        return np.concatenate(parts)
