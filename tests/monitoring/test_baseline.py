"""A baseline: made, written, and read again the same; its constraints as people edit them."""

import io
from dataclasses import replace

import numpy as np
import pytest

from monitoring import baseline, drift, table
from monitoring.baseline import Rules
from service import config, origins
from service.labelled_images import LabelledImages
from service.origins import Origin
from service.terminal import UserError
from tests.model import served
from tests.monitoring.frames import simulate
from tests.monitoring.test_embedding import archive

EFFECTS = dict.fromkeys(drift.PROPERTIES, 0.25)
RULES = replace(
    Rules.from_config(config.load()),
    minimum_images=50,
    minimum_effects=EFFECTS | {"accuracy": 0.02},
)
MODEL = "s3://bucket/job/model.tar.gz"
CHANNEL = "s3://bucket/datasets/cifar/arrays/validation/"


def make(frame):
    return baseline.make(frame, "a test", MODEL, RULES)


@pytest.mark.parametrize("width", [8, 0])
@pytest.mark.parametrize("place", ["s3://bucket/monitoring/baseline/", "folder"])
def test_a_baseline_is_read_as_it_was_written(tmp_path, s3, place, width):
    if place == "folder":
        place = str(tmp_path / "new" / "folder")
    frame = simulate(80, seed=1, width=width)
    assert baseline.read(place) is None
    reference = make(frame)
    written = baseline.write(place, reference)
    assert [file.rpartition("/")[2] for file in written] == ["constraints.json", "baseline.parquet"]
    again = baseline.read(place)
    assert (again.images, again.origin, again.model) == (80, "a test", MODEL)
    assert again.minimum_effects == reference.minimum_effects
    assert set(EFFECTS) - set(again.minimum_effects) == ({"embedding"} if not width else set())
    kept = frame.drop(columns=["time", "image_id"])
    assert again.frame.astype({"label": "str"}).equals(kept.astype({"label": "str"}))


def test_only_so_many_rows_are_kept(monkeypatch):
    monkeypatch.setattr(baseline, "ROWS_KEPT", 60)
    reference = make(simulate(100, seed=1))
    assert (len(reference.frame), reference.images) == (60, 100)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("baseline.parquet", b""),
        ("baseline.parquet", b"PAR1" + b"x" * 2000),
        ("constraints.json", b"{"),
        ("constraints.json", b"[" * 100_000),
        ("constraints.json", b"\xff"),
        ("constraints.json", None),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, body):
    baseline.write(str(tmp_path), make(simulate(80, seed=1)))
    (tmp_path / name).unlink() if body is None else (tmp_path / name).write_bytes(body)
    with pytest.raises(UserError, match=rf"{name} of the baseline at .* cannot be read"):
        baseline.read(str(tmp_path))


@pytest.fixture
def photos():
    names = np.array([f"{number}.png" for number in range(20)])
    return LabelledImages(served.images(20), np.zeros(20, np.int64), names)


@pytest.fixture
def stored(tmp_path, s3, photos):
    s3.put_object("bucket", "job/model.tar.gz", archive(served.write_model(tmp_path)), "")
    file = io.BytesIO()
    np.savez(file, images=photos.images, labels=photos.labels, names=photos.names)
    key = "datasets/cifar/arrays/validation/data.npz"
    s3.put_object("bucket", key, file.getvalue(), "")
    return s3


def test_the_table_holds_what_the_model_answers(stored, photos):
    frame = baseline.validation_table(stored, photos, CHANNEL, MODEL)
    classes, probabilities = table.probabilities(frame)
    expected = served.expected(photos.images)
    assert classes == served.CLASSES
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    assert list(frame["label"]) == [served.CLASSES[row] for row in expected.argmax(1)]
    np.testing.assert_allclose(frame["confidence"], expected.max(1), atol=1e-5)
    np.testing.assert_allclose(table.embeddings(frame), photos.images.mean((1, 2)), atol=1e-3)
    looks = table.measure_features(photos.images)
    np.testing.assert_allclose(frame[list(table.FEATURES)].to_numpy(), looks, rtol=1e-5)
    assert list(frame["image_id"]) == list(photos.names)


def make_job(uri: str) -> dict:
    channels = {"train": "s3://bucket/other/", "validation": uri}
    inputs = [
        {"ChannelName": name, "DataSource": {"S3DataSource": {"S3Uri": place}}}
        for name, place in channels.items()
    ]
    return {"InputDataConfig": inputs}


def test_a_jobs_own_validation_photos_are_read_or_named_as_gone(stored, photos):
    uri, read = baseline.read_validation(stored, MODEL, make_job(CHANNEL))
    assert uri == f"{CHANNEL}data.npz"
    assert (read.images == photos.images).all()
    with pytest.raises(UserError, match="are gone: s3://bucket/gone/data"):
        baseline.read_validation(stored, MODEL, make_job("s3://bucket/gone"))


def test_a_model_of_another_stage_has_the_validation_photos_that_came_with_it(stored, photos):
    origin = Origin("dev", "s3://other/model.tar.gz", "0" * 64, "job-7", "cifar")
    for known in (None, replace(origin, dataset=None)):
        if known:
            origins.write(stored, "bucket", "job/model.tar.gz", known)
        with pytest.raises(UserError, match=f"No training job of this stage made {MODEL}"):
            baseline.read_validation(stored, MODEL, None)
    origins.write(stored, "bucket", "job/model.tar.gz", origin)
    _, read = baseline.read_validation(stored, MODEL, None)
    assert (read.images == photos.images).all()


def test_constraints_need_not_name_all():
    assert baseline.read_constraints(b'{"minimum_effects": {"label": 1}}') == {"label": 1}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("{", "Expecting property name"),
        ('{"features": []}', "no minimum_effects"),
        ('{"minimum_effects": {"hue": 1}}', "'hue', which is none of confidence, label"),
        ('{"minimum_effects": {"label": "0.1"}}', "label is '0.1', not a number"),
        ('{"minimum_effects": {"label": -1}}', "label is -1, not a number of 0 or more"),
        ('{"minimum_effects": {"label": NaN}}', "label is nan, not a number of 0 or more"),
    ],
)
def test_constraints_that_cannot_be_judged_by_are_named(body, reason):
    with pytest.raises(ValueError, match=reason):
        baseline.read_constraints(body.encode())


def test_config_yml_has_a_rule_for_every_property():
    effects = Rules.from_config(config.load()).minimum_effects
    assert set(effects) == {*drift.PROPERTIES, "accuracy"}
    assert effects["sharpness"] == effects["brightness"]
