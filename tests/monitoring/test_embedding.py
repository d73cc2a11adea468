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

URI = "s3://bucket/job/model.tar.gz"


def archive(folder) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        tar.add(folder, ".")
    return file.getvalue()


def test_a_model_in_s3_answers_and_embeds_photos(tmp_path):
    s3, photos = MemoryS3(), served.images(embedding.BATCH + 3)
    s3.put_object("bucket", "job/model.tar.gz", archive(served.write_model(tmp_path)), "")
    model = embedding.fetch(s3, URI)
    assert (model.name, model.classes) == (URI, served.CLASSES)
    np.testing.assert_allclose(model.answer(photos), served.expected(photos), atol=1e-5)
    np.testing.assert_allclose(model.embed(photos), photos.mean((1, 2)), atol=1e-3)


def test_what_the_embedding_needs_not_is_left_out(tmp_path):
    graph = (served.write_model(tmp_path) / "model.onnx").read_bytes()
    left = onnx.load_from_string(embedding.cut_embedding(graph)).graph.node
    assert "ReduceMean" in {node.op_type for node in left} <= {"Cast", "ReduceMean"}


@pytest.mark.parametrize(("name", "body"), [("model.onnx", b"x"), ("classes.json", b"[")])
def test_a_model_that_cannot_be_read_is_one_line(tmp_path, name, body):
    served.write_model(tmp_path)
    (tmp_path / name).write_bytes(body)
    with pytest.raises(UserError, match="cannot be read"):
        read_model(tmp_path)
