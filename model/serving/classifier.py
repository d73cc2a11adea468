"""The trained model, as train.py leaves it."""

import json
from pathlib import Path

import numpy as np
import onnxruntime


class ModelError(Exception):
    """The model folder does not hold a model that can be served; the message says why."""


class Classifier:
    """`model.onnx` and `classes.json` of one folder.

    classes: the C class names. side: the pixels a side that the model takes.
    """

    def __init__(self, folder: Path):
        """Load the model and let it answer once. Raises ModelError."""
        self.classes = read_classes(folder / "classes.json")
        self.session = open_session(folder / "model.onnx")
        try:
            (images,), (probabilities,) = self.session.get_inputs(), self.session.get_outputs()
            _, self.side, width, channels = images.shape
            described = (images.name, images.type, width, channels, probabilities.name)
        except ValueError as error:
            raise ModelError("model.onnx does not take one array of images") from error
        if described != ("images", "tensor(uint8)", self.side, 3, "probabilities"):
            raise ModelError(
                "model.onnx does not map `images` uint8 N x S x S x 3 to `probabilities`: "
                f"it has {images.name} {images.type} {images.shape} and {probabilities.name}"
            )
        self.check()

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Images uint8 N x side x side x 3 -> probabilities float32 N x C."""
        return self.session.run(["probabilities"], {"images": images})[0]

    def check(self) -> None:
        """Classify a black image. ModelError unless one probability a class comes back."""
        try:
            answer = self(np.zeros((1, self.side, self.side, 3), np.uint8))
        except Exception as error:  # ONNX Runtime has no common class of errors
            raise ModelError(f"the model does not answer: {error}") from error
        if answer.shape != (1, len(self.classes)):
            raise ModelError(
                f"the model answers with {answer.shape[-1]} numbers an image, "
                f"classes.json names {len(self.classes)} classes"
            )
        if not (answer.min() >= 0 and abs(answer.sum() - 1) < 1e-3):
            raise ModelError("the model's answer is not a set of probabilities")


def read_classes(path: Path) -> list[str]:
    """The class names of classes.json. Raises ModelError."""
    try:
        classes = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from error
    names = isinstance(classes, list) and all(isinstance(name, str) for name in classes)
    if not names or not classes:
        raise ModelError(f"{path} is not a list of class names")
    return classes


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """The model on one thread: the workers share the cores between them. Raises ModelError."""
    if not path.is_file():
        raise ModelError(f"{path} is missing")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has no common class of errors
        raise ModelError(f"{path} cannot be loaded: {error}") from error
