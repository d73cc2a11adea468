"""A tiny model to serve, and the bodies that callers send."""

import io
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from PIL import Image

from scripts.generate import bad_images

CLASSES = ["red", "green", "blue"]
SIDE = 16


def write_model(
    folder: Path,
    classes: list[str] = CLASSES,
    scale: float = 0.02,
    known: float = 1.0,
    outputs: tuple[str, ...] = ("probabilities", "embedding"),
) -> Path:
    """A model whose logits are `scale` times its embedding: an image's mean red, green and blue.

    Its probabilities sum to `known`.
    """
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels", "axes"], ["embedding"], keepdims=0),
        helper.make_node("Mul", ["embedding", "scale"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["shares"]),
        helper.make_node("Mul", ["shares", "known"], ["probabilities"]),
    ]
    shape = ["batch", SIDE, SIDE, 3]
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 3]) for name in outputs],
        [
            helper.make_tensor("axes", TensorProto.INT64, [2], [1, 2]),
            helper.make_tensor("scale", TensorProto.FLOAT, [], [scale]),
            helper.make_tensor("known", TensorProto.FLOAT, [], [known]),
        ],
    )
    opsets = [helper.make_opsetid("", 18)]
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), folder / "model.onnx")
    (folder / "classes.json").write_text(json.dumps(classes))
    return folder


def expected(images: np.ndarray) -> np.ndarray:
    """What the model answers: images N x SIDE x SIDE x 3 -> probabilities N x 3."""
    powers = np.exp(0.02 * images.mean((1, 2)))
    return powers / powers.sum(1, keepdims=True)


def images(count: int, seed: int = 0) -> np.ndarray:
    """Images uint8 N x SIDE x SIDE x 3, each with a tint of its own."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, rng.integers(20, 257, (count, 1, 1, 3)), (count, SIDE, SIDE, 3)).astype(
        np.uint8
    )


def encode(image: Image.Image | np.ndarray, name: str, **options) -> bytes:
    """A picture in that format's bytes."""
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    return bad_images.encode(picture, name, **options)


def npy(array: np.ndarray) -> bytes:
    """An array in npy's bytes."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()
