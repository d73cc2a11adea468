"""Validation photos as a table, answered by a trained model."""

import io

import numpy as np
import pytest

from scripts.cli import UserError
from scripts.data.images import LabelledImages
from scripts.monitoring import features, table, validation
from tests.model import served
from tests.monitoring.test_embedding import archive
from tests.unit.scripts.memory_s3 import MemoryS3

MODEL = "s3://bucket/job/model.tar.gz"
CHANNEL = "s3://bucket/datasets/cifar/arrays/validation/"


@pytest.fixture
def photos():
    count = validation.BATCH + 5
    names = np.array([f"{number}.png" for number in range(count)])
    return LabelledImages(served.images(count), np.zeros(count, np.int64), names)


@pytest.fixture
def s3(tmp_path, photos):
    memory = MemoryS3()
    memory.put_object("bucket", "job/model.tar.gz", archive(served.write_model(tmp_path)), "")
    file = io.BytesIO()
    np.savez(file, images=photos.images, labels=photos.labels, names=photos.names)
    key = "datasets/cifar/arrays/validation/data.npz"
    memory.put_object("bucket", key, file.getvalue(), "")
    return memory


def test_the_table_holds_what_the_model_answers(s3, photos):
    frame = validation.table_of(s3, photos, CHANNEL, MODEL)
    classes, probabilities = table.probabilities(frame)
    expected = served.expected(photos.images)
    assert classes == served.CLASSES
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    assert list(frame["label"]) == [served.CLASSES[row] for row in expected.argmax(1)]
    np.testing.assert_allclose(frame["confidence"], expected.max(1), atol=1e-5)
    np.testing.assert_allclose(table.embeddings(frame), photos.images.mean((1, 2)), atol=1e-3)
    looks = features.features(photos.images)
    np.testing.assert_allclose(frame[list(table.FEATURES)].to_numpy(), looks, rtol=1e-5)
    assert list(frame["image_id"]) == list(photos.names)
    assert set(frame["width"]) == {served.SIDE}


def test_a_jobs_own_validation_photos_are_read(s3, photos):
    job = {
        "TrainingJobName": "job",
        "InputDataConfig": [
            {"ChannelName": name, "DataSource": {"S3DataSource": {"S3Uri": uri}}}
            for name, uri in (("train", "s3://bucket/other/"), ("validation", CHANNEL))
        ],
    }
    uri, found = validation.read_channel(s3, job)
    assert uri == f"{CHANNEL}data.npz"
    assert (found.images == photos.images).all()


def test_a_job_without_validation_photos_is_named(s3):
    with pytest.raises(UserError, match="job-7 had no validation photos"):
        validation.read_channel(s3, {"TrainingJobName": "job-7", "InputDataConfig": []})


def test_photos_of_another_size_than_the_models_are_refused(s3, photos):
    small = LabelledImages(photos.images[:, :8, :8], photos.labels, photos.names)
    with pytest.raises(UserError, match="have 8 x 8 pixels, the model takes 16 x 16"):
        validation.table_of(s3, small, CHANNEL, MODEL)
