"""The classifier as ONNX, and a check that it answers as PyTorch does."""

import os
import warnings
from pathlib import Path

import numpy as np
import torch

from .data import JobError
from .network import EVALUATION_BATCH, Classifier

ONNX_TOLERANCE = 1e-4  # largest difference of a probability between PyTorch and ONNX Runtime


def export(classifier: Classifier, side: int, path: Path) -> None:
    """Write the classifier to `path` as ONNX, for any number of images of side x side pixels."""
    example = torch.zeros(2, side, side, 3, dtype=torch.uint8)
    outputs = ["probabilities", "embedding"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            classifier,
            (example,),
            path,
            # Traces the network in a third of a second, where PyTorch's newer exporter takes ten.
            dynamo=False,
            input_names=["images"],
            output_names=outputs,
            dynamic_axes={name: {0: "batch"} for name in ("images", *outputs)},
        )


def check_export(path: Path, images: np.ndarray, probabilities: np.ndarray) -> float:
    """The largest difference between the exported file's probabilities and PyTorch's.

    Runs all images, and the first alone: a wrong export may be right for one size of batch.
    JobError if the difference is above ONNX_TOLERANCE.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # it would report to its maker
    import onnxruntime  # here, because scripts that only train do not need it

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    differences = []
    starts = range(0, len(images), EVALUATION_BATCH)
    for rows in [slice(0, 1), *(slice(start, start + EVALUATION_BATCH) for start in starts)]:
        (answer,) = session.run(["probabilities"], {"images": images[rows]})
        differences.append(np.abs(answer - probabilities[rows]).max())
    difference = float(np.max(differences))
    if not difference <= ONNX_TOLERANCE:
        raise JobError(
            f"ONNX Runtime's probabilities differ from PyTorch's by {difference:.2g} "
            f"(at most {ONNX_TOLERANCE:.2g} is allowed): the exported model is not the trained one"
        )
    return difference
