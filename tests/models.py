"""Models made by hand."""

import json

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.archives import tar


def model_archive(answer: str) -> bytes:
    """model.tar.gz of a model that gives `answer` a probability of 0.88, whatever it sees."""
    classes = ["bicycle", "motorcycle"]
    logits = np.float32([[2.0 if name == answer else 0.0 for name in classes]])
    constants = [
        ("shape", np.int64([-1, 32 * 32 * 3])),
        ("weights", np.zeros((32 * 32 * 3, 2), np.float32)),
        ("logits", logits),
    ]
    nodes = [
        helper.make_node("Cast", ["images"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["numbers", "shape"], ["rows"]),
        helper.make_node("MatMul", ["rows", "weights"], ["nothing"]),
        helper.make_node("Add", ["nothing", "logits"], ["sums"]),
        helper.make_node("Softmax", ["sums"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "constant",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", 32, 32, 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 2])],
        [onnx.numpy_helper.from_array(array, name) for name, array in constants],
    )
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    return tar(
        {
            "model.onnx": model.SerializeToString(),
            "classes.json": json.dumps(classes).encode(),
            "metrics.json": b'{"image_size": 32}',
        }
    )
