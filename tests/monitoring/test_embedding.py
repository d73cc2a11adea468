"""The model, as far as monitoring needs it."""

import io
import tarfile

import numpy as np
import onnx
import pytest

from monitoring import embedding
from service.terminal import UserError
from tests.model import served
from tests.monitoring.captured import read_model
from tests.unit.service.memory_s3 import MemoryS3


def archive(folder) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        tar.add(folder, ".")
    return file.getvalue()


def test_a_model_in_s3_is_that_of_its_files(tmp_path):
    model, s3 = read_model(served.write_model(tmp_path)), MemoryS3()
    s3.put_object("bucket", "job/model.tar.gz", archive(tmp_path), "")
    fetched = embedding.fetch(s3, "s3://bucket/job/model.tar.gz")
    assert (fetched.graph, fetched.whole) == (model.graph, model.whole)
    assert fetched.classes == served.CLASSES
    assert fetched.name == "s3://bucket/job/model.tar.gz"


def test_the_embedding_is_the_models_and_the_rest_of_it_is_left_out(tmp_path):
    graph = read_model(served.write_model(tmp_path)).graph
    network = embedding.Network(graph, "embedding")
    photos = served.images(embedding.BATCH + 3)
    np.testing.assert_allclose(network(photos), photos.mean((1, 2)), atol=1e-3)
    left = {node.op_type for node in onnx.load_from_string(graph).graph.node}
    assert "ReduceMean" in left
    assert "Softmax" not in left


def test_a_model_of_before_there_were_embeddings_has_its_classes_alone(tmp_path):
    model = read_model(served.write_model(tmp_path, outputs=("probabilities",)))
    assert (model.classes, model.graph) == (served.CLASSES, None)


@pytest.mark.parametrize(("name", "body"), [("model.onnx", b"x"), ("classes.json", b"[")])
def test_a_model_that_cannot_be_read_is_one_line(tmp_path, name, body):
    served.write_model(tmp_path)
    (tmp_path / name).write_bytes(body)
    with pytest.raises(UserError, match="cannot be read"):
        read_model(tmp_path)
