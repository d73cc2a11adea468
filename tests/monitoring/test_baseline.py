"""A baseline: made, written, and read again the same."""

import json

import numpy as np
import pytest

from scripts.cli import UserError
from scripts.monitoring import baseline, drift, table
from tests.monitoring.simulated import frame
from tests.unit.scripts.memory_s3 import MemoryS3

EFFECTS = dict.fromkeys(drift.properties(), 0.25)


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
        "statistics.json",
        "constraints.json",
        "baseline.npz",
    ]
    again = baseline.read(s3, place)
    assert (again.images, again.origin, again.model) == (80, "a test", "s3://m/model.tar.gz")
    assert (again.statistics, again.constraints) == (made.statistics, made.constraints)
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


def test_too_few_images_make_no_baseline():
    with pytest.raises(UserError, match=r"49 images are too few .* at least 50"):
        make(frame(49, seed=1))


def test_only_so_many_rows_are_kept(monkeypatch):
    monkeypatch.setattr(baseline, "ROWS_KEPT", 60)
    made = make(frame(100, seed=1))
    assert len(made.frame) == 60
    assert made.images == made.statistics["dataset"]["item_count"] == 100


def test_no_baseline_is_none(tmp_path):
    assert baseline.read(MemoryS3(), "s3://bucket/monitoring/baseline/") is None
    assert baseline.read(None, str(tmp_path)) is None


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("baseline.npz", b"no archive"),
        ("constraints.json", b"{"),
        ("constraints.json", b"[]"),
        ("constraints.json", json.dumps({"features": [{"name": "label"}]}).encode()),
        ("statistics.json", None),
    ],
)
def test_a_broken_baseline_is_named(tmp_path, name, body):
    baseline.write(None, str(tmp_path), make(frame(80, seed=1)))
    if body is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(body)
    with pytest.raises(UserError, match="cannot be read"):
        baseline.read(None, str(tmp_path))
