"""The embedding of what a model saw: what its last layer sees of an image, as the model has it."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from service.jobs import member_of, read_member
from service.terminal import UserError

BATCH = 64


@dataclass(frozen=True)
class Model:
    """A trained model: where it lies, its class names, and its ONNX graph as far as the embedding.

    `graph` is None for a model that was trained before models had an embedding.
    """

    name: str
    classes: list[str]
    graph: bytes | None


def fetch(s3, uri: str) -> Model:
    """Read the model from a model.tar.gz in S3. UserError if there is none."""
    return _model(uri, *(read_member(s3, uri, name) for name in ("model.onnx", "classes.json")))


def read(path: Path) -> Model:
    """Read the model from a model.tar.gz or a folder. UserError if there is none."""
    names = ("model.onnx", "classes.json")
    try:
        if path.is_dir():
            return _model(str(path), *((path / name).read_bytes() for name in names))
        members = []
        for name in names:
            with path.open("rb") as archive:
                members.append(member_of(archive, str(path), name))
        return _model(str(path), *members)
    except OSError as error:
        raise UserError(f"There is no model to read in {path}: {error.strerror}.") from error


def _model(name: str, body: bytes, classes: bytes) -> Model:
    import onnx  # here, because the processes that read captures have no use for it
    from onnx.utils import Extractor

    try:
        model = onnx.load_from_string(body)
        answers = [output.name for output in model.graph.output]
        graph = None
        if "embedding" in answers:
            # Without the rest, such as the image's mirror, it takes half the time.
            cut = Extractor(model).extract_model(["images"], ["embedding"])
            graph = cut.SerializeToString()
        return Model(name, json.loads(classes), graph)
    except Exception as error:  # protobuf and ONNX have many classes of errors
        raise UserError(f"The model in {name} cannot be read: {error}") from error


class Embedder:
    """A model's graph, on one thread. side: the pixels a side that it takes."""

    def __init__(self, graph: bytes):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"]
        )
        self.side: int = self._session.get_inputs()[0].shape[1]

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Images uint8 N x side x side x 3 -> embeddings float32 N x D."""
        parts = [
            self._session.run(["embedding"], {"images": images[start : start + BATCH]})[0]
            for start in range(0, len(images), BATCH)
        ]
        return np.concatenate(parts)
