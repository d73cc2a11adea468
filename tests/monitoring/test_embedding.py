"""The model, as far as monitoring needs it."""

import io
import tarfile

import numpy as np
import onnx
import pytest

from monitoring import embedding
from service.terminal import UserError
from tests.model import served
from tests.unit.service.memory_s3 import MemoryS3


def archive(folder) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        tar.add(folder, ".")
    return file.getvalue()


def test_a_model_is_the_same_from_a_folder_an_archive_and_s3(tmp_path):
    folder = served.write_model(tmp_path / "model")
    (tmp_path / "model.tar.gz").write_bytes(archive(folder))
    s3 = MemoryS3()
    s3.put_object("bucket", "job/model.tar.gz", archive(folder), "")
    models = [
        embedding.read(folder),
        embedding.read(tmp_path / "model.tar.gz"),
        embedding.fetch(s3, "s3://bucket/job/model.tar.gz"),
    ]
    assert len({model.graph for model in models}) == 1
    assert [model.classes for model in models] == [served.CLASSES] * 3
    assert models[2].name == "s3://bucket/job/model.tar.gz"


def test_the_embedding_is_the_models_and_the_rest_of_it_is_left_out(tmp_path):
    graph = embedding.read(served.write_model(tmp_path)).graph
    network = embedding.Network(graph, "embedding")
    images = served.images(embedding.BATCH + 3)
    assert network.side == served.SIDE
    np.testing.assert_allclose(network(images), images.mean((1, 2)), atol=1e-3)
    left = {node.op_type for node in onnx.load_from_string(graph).graph.node}
    assert "ReduceMean" in left
    assert "Softmax" not in left


def test_a_model_of_before_there_were_embeddings_has_its_classes_alone(tmp_path):
    model = embedding.read(served.write_model(tmp_path, outputs=("probabilities",)))
    assert (model.classes, model.graph) == (served.CLASSES, None)


FAULTS = {
    "no folder": (lambda folder: folder.rename(folder.with_name("gone")), "no model to read"),
    "no model": (lambda folder: (folder / "model.onnx").unlink(), "no model to read"),
    "rubbish": (lambda folder: (folder / "model.onnx").write_bytes(b"x"), "cannot be read"),
    "no classes": (lambda folder: (folder / "classes.json").write_text("["), "cannot be read"),
}


@pytest.mark.parametrize(("spoil", "reason"), FAULTS.values(), ids=FAULTS)
def test_a_model_that_cannot_be_read_is_one_line(tmp_path, spoil, reason):
    folder = served.write_model(tmp_path / "model")
    spoil(folder)
    with pytest.raises(UserError, match=reason):
        embedding.read(folder)
