"""The trained model, as train.py writes it."""

import json
import os
from pathlib import Path

import numpy as np

# Read as ONNX Runtime is imported: it would report to its maker.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

LABEL_BYTES = 64  # the functions and the state machine rely on names of a bounded size
SUM_TOLERANCE = 1e-3  # float32


class ModelError(Exception):
    """The model folder does not hold a model that can be served; the message says why."""


class Classifier:
    """`model.onnx` and `classes.json` of one folder.

    classes: the C class names; side: the model's pixels a side. The model may have an `embedding`
    too, which monitoring computes from captures: here only `probabilities` are.
    """

    def __init__(self, folder: Path):
        """Load the model and let it answer once. Raises ModelError."""
        self.classes = read_classes(folder / "classes.json")
        self.session = open_session(folder / "model.onnx")
        try:
            (images,) = self.session.get_inputs()
            _, self.side, width, channels = images.shape
            described = (images.name, images.type, width, channels)
        except ValueError as error:
            raise ModelError("model.onnx does not take one array of images") from error
        answers = [output.name for output in self.session.get_outputs()]
        if described != ("images", "tensor(uint8)", self.side, 3) or "probabilities" not in answers:
            raise ModelError(
                "model.onnx does not map `images` uint8 N x S x S x 3 to `probabilities`: it has "
                f"{images.name} {images.type} {images.shape} and {', '.join(answers)}"
            )
        self.check()

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Images uint8 N x side x side x 3 -> probabilities float32 N x C.

        1 minus the sum of an image's probabilities is the probability of none of the classes.
        """
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
        if not (answer.min() >= 0 and answer.sum() <= 1 + SUM_TOLERANCE):
            raise ModelError("the model's answer is not probabilities that sum to at most 1")


def read_classes(path: Path) -> list[str]:
    """The class names of classes.json. Raises ModelError."""
    try:
        classes = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from error
    if not isinstance(classes, list) or not classes or not all(map(is_label, classes)):
        raise ModelError(
            f"{path} is not a list of class names, printable and of 1 to {LABEL_BYTES} bytes each"
        )
    if len(set(classes)) < len(classes):
        raise ModelError(f"{path} names a class twice")
    return classes


def is_label(name: object) -> bool:
    """Whether the name is printable text of 1 to LABEL_BYTES bytes."""
    if not isinstance(name, str) or not name.isprintable():
        return False
    return 0 < len(name.encode()) <= LABEL_BYTES


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """The model on one thread, as there is a worker a core. Raises ModelError."""
    if not path.is_file():
        raise ModelError(f"{path} is missing")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has no common class of errors
        raise ModelError(f"{path} cannot be loaded: {error}") from error
