"""Models made by hand."""

import json

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.archives import tar


def model_archive(answer: str, excess: float = 0) -> bytes:
    """model.tar.gz of a model that gives `answer` a probability of 0.88, whatever it sees.

    With an excess its probabilities sum to more than 1, unless the photo is black: that is the one
    that the container looks at before it serves.
    """
    classes = ["bicycle", "motorcycle"]
    logits = np.float32([[2.0 if name == answer else 0.0 for name in classes]])
    constants = [
        ("shape", np.int64([-1, 32 * 32 * 3])),
        ("weights", np.full((32 * 32 * 3, 2), excess, np.float32)),
        ("logits", logits),
    ]
    nodes = [
        helper.make_node("Cast", ["images"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["numbers", "shape"], ["rows"]),
        helper.make_node("MatMul", ["rows", "weights"], ["excess"]),
        helper.make_node("Softmax", ["logits"], ["constant"], axis=1),
        helper.make_node("Add", ["constant", "excess"], ["probabilities"]),
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
