"""A baseline: made, written, and read again the same."""

import io

import numpy as np
import pytest

from monitoring import baseline, drift, embedding, table
from monitoring.features import features
from service.labelled_images import LabelledImages
from service.terminal import UserError
from tests.model import served
from tests.monitoring.simulated import frame
from tests.monitoring.test_embedding import archive
from tests.unit.service.memory_s3 import MemoryS3

EFFECTS = dict.fromkeys(drift.PROPERTIES, 0.25)

MODEL = "s3://bucket/job/model.tar.gz"
CHANNEL = "s3://bucket/datasets/cifar/arrays/validation/"


def make(images, minimum=50):
    return baseline.make(images, "a test", "s3://m/model.tar.gz", minimum, EFFECTS)


@pytest.mark.parametrize("place", ["s3://bucket/monitoring/baseline/", "folder"])
def test_what_is_written_is_read_again(tmp_path, place):
    s3 = MemoryS3()
    if place == "folder":
        place = str(tmp_path / "new" / "folder")
    images = frame(80, seed=1)
    images.loc[3, "colour"] = np.nan
    made = make(images)
    files = baseline.write(s3, place, made)
    assert [file.rpartition("/")[2] for file in files] == [
        "constraints.json",
        "baseline.npz",
    ]
    again = baseline.read(s3, place)
    assert (again.images, again.origin, again.model) == (80, "a test", "s3://m/model.tar.gz")
    assert again.constraints == made.constraints
    assert list(again.frame["label"]) == list(images["label"])
    for name in ("confidence", *table.FEATURES):
        np.testing.assert_allclose(again.frame[name], images[name], rtol=1e-6)
    assert (table.embeddings(again.frame) == table.embeddings(images)).all()
    classes, probabilities = table.probabilities(images)
    assert table.probabilities(again.frame)[0] == classes
    np.testing.assert_allclose(table.probabilities(again.frame)[1], probabilities)


def test_without_embeddings_there_are_none_afterwards(tmp_path):
    images = frame(80, seed=1, width=0)
    baseline.write(None, str(tmp_path), make(images))
    assert table.embeddings(baseline.read(None, str(tmp_path)).frame).shape == (80, 0)


def test_only_so_many_rows_are_kept(monkeypatch):
    monkeypatch.setattr(baseline, "ROWS_KEPT", 60)
    made = make(frame(100, seed=1))
    assert len(made.frame) == 60
    assert made.images == 100


def test_no_baseline_is_none(tmp_path):
    assert baseline.read(MemoryS3(), "s3://bucket/monitoring/baseline/") is None
    assert baseline.read(None, str(tmp_path)) is None


@pytest.mark.parametrize("length", [0, 10, 2000, -1])
def test_a_cut_baseline_is_named(tmp_path, length):
    baseline.write(None, str(tmp_path), make(frame(80, seed=1)))
    (tmp_path / "baseline.npz").write_bytes((tmp_path / "baseline.npz").read_bytes()[:length])
    with pytest.raises(UserError, match=r"baseline\.npz of the baseline at .* cannot be read"):
        baseline.read(None, str(tmp_path))


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'{"features": [{"name": "hue"}]}', None])
def test_constraints_that_cannot_be_read_are_named(tmp_path, body):
    baseline.write(None, str(tmp_path), make(frame(80, seed=1)))
    path = tmp_path / "constraints.json"
    path.unlink() if body is None else path.write_bytes(body)
    with pytest.raises(UserError, match=r"constraints\.json of the baseline at .* cannot be read"):
        baseline.read(None, str(tmp_path))


@pytest.fixture
def photos():
    count = embedding.BATCH + 5
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
    frame = baseline.validation_table(s3, photos, CHANNEL, MODEL)
    classes, probabilities = table.probabilities(frame)
    expected = served.expected(photos.images)
    assert classes == served.CLASSES
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    assert list(frame["label"]) == [served.CLASSES[row] for row in expected.argmax(1)]
    np.testing.assert_allclose(frame["confidence"], expected.max(1), atol=1e-5)
    np.testing.assert_allclose(table.embeddings(frame), photos.images.mean((1, 2)), atol=1e-3)
    looks = features(photos.images)
    np.testing.assert_allclose(frame[list(table.FEATURES)].to_numpy(), looks, rtol=1e-5)
    assert list(frame["image_id"]) == list(photos.names)


def test_a_jobs_own_validation_photos_are_read(s3, photos):
    job = {
        "TrainingJobName": "job",
        "InputDataConfig": [
            {"ChannelName": name, "DataSource": {"S3DataSource": {"S3Uri": uri}}}
            for name, uri in (("train", "s3://bucket/other/"), ("validation", CHANNEL))
        ],
    }
    uri, found = baseline.read_validation(s3, job)
    assert uri == f"{CHANNEL}data.npz"
    assert (found.images == photos.images).all()


def test_validation_photos_that_are_gone_are_named(s3):
    source = {"S3DataSource": {"S3Uri": "s3://bucket/gone/"}}
    channels = [{"ChannelName": "validation", "DataSource": source}]
    with pytest.raises(UserError, match="of job-7 are gone from s3://bucket/gone"):
        baseline.read_validation(s3, {"TrainingJobName": "job-7", "InputDataConfig": channels})


def test_a_job_without_validation_photos_is_named(s3):
    with pytest.raises(UserError, match="job-7 had no validation photos"):
        baseline.read_validation(s3, {"TrainingJobName": "job-7", "InputDataConfig": []})


def test_photos_of_another_size_than_the_models_are_refused(s3, photos):
    small = LabelledImages(photos.images[:, :8, :8], photos.labels, photos.names)
    with pytest.raises(UserError, match="have 8 x 8 pixels, the model takes 16 x 16"):
        baseline.validation_table(s3, small, CHANNEL, MODEL)
