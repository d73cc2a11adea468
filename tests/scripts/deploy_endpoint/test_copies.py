import hashlib
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from scripts.deploy_endpoint import copies
from service import datasets, origins
from service.labelled_images import Source
from service.terminal import UserError
from tests.labelled import rows
from tests.unit.service.memory_s3 import MemoryS3

CLASSES = ("bicycle", "motorcycle")
MODEL = "training/job-7/output/model.tar.gz"
ARCHIVE = b"an archive"
DIGEST = hashlib.sha256(ARCHIVE).hexdigest()


class Buckets:
    """S3 in memory with several buckets, each a MemoryS3."""

    def __init__(self, *names: str):
        self.named = {name: MemoryS3() for name in names}

    def __getattr__(self, operation):
        def call(*arguments, **request):
            bucket = request.get("Bucket") or next(a for a in arguments if a in self.named)
            return getattr(self.named[bucket], operation)(*arguments, **request)

        return call

    def get_paginator(self, operation):
        return SimpleNamespace(
            paginate=lambda **request: self.named[request["Bucket"]].paginate(**request)
        )


@pytest.fixture
def s3() -> Buckets:
    """A stage `dev` with a model that was trained on its dataset, and production without either."""
    s3 = Buckets("dev", "staging", "production")
    source = Source("folder", "a test", CLASSES, rows(20, 0), rows(8, 1))
    datasets.publish(s3, "dev", source, datasets.split(source))
    s3.put_object(Bucket="dev", Key=MODEL, Body=ARCHIVE, ContentType="")
    return s3


@pytest.fixture
def job() -> dict:
    channel = {"S3Uri": "s3://dev/datasets/folder-bicycle-motorcycle/arrays/train/"}
    return {
        "TrainingJobName": "job-7",
        "CreationTime": datetime(2027, 1, 1, tzinfo=UTC),
        "InputDataConfig": [{"DataSource": {"S3DataSource": channel}}],
    }


@pytest.fixture
def copy(s3, monkeypatch):
    """A function that copies from a stage into a bucket; what the stage serves is given."""

    def run(model: str | None, job: dict | None, stage: str = "dev", bucket: str = "production"):
        served = SimpleNamespace(served_model=lambda: model, served_job=lambda: job)
        monkeypatch.setattr(copies, "Hosting", lambda *_: served)
        monkeypatch.setattr(
            copies, "find_stack", lambda _, stage: SimpleNamespace(bucket=stage, endpoint=stage)
        )
        cloud = SimpleNamespace(client=lambda name: s3 if name == "s3" else None)
        return copies.copy_model(cloud, stage, bucket)

    return run


def objects(s3: Buckets, bucket: str, prefix: str) -> set[str]:
    return {key for key in s3.named[bucket].objects if key.startswith(prefix)}


def test_a_model_comes_with_its_origin_its_validation_photos_and_a_photo_of_each_class(
    s3, job, copy
):
    uri = copy(f"s3://dev/{MODEL}", job)
    key = f"training/copies/dev/{DIGEST[:12]}/model.tar.gz"
    assert uri == f"s3://production/{key}"
    assert s3.named["production"].objects[key] == ARCHIVE
    origin = origins.read(s3, uri)
    dataset = f"dev-{DIGEST[:12]}-bicycle-motorcycle"
    assert origin == origins.Origin("dev", f"s3://dev/{MODEL}", DIGEST, "job-7", dataset)
    assert str(origin) == f"stage dev: s3://dev/{MODEL}, which job-7 trained"
    assert origins.read(s3, "s3://production/training/own/model.tar.gz") is None
    assert datasets.find_test_photos(s3, "production", 32)[0] == dataset
    before = datasets.read_split(s3, "dev", "folder-bicycle-motorcycle", "validation")[0]
    after = datasets.read_split(s3, "production", dataset, "validation")[0]
    assert (after.images == before.images).all()
    assert len(datasets.read_split(s3, "production", dataset, "train")[0]) == 0
    photos = objects(s3, "production", f"datasets/{dataset}/images/test/")
    assert {key.split("/")[-2] for key in photos} == set(CLASSES)
    assert len(photos) == 2


def test_a_second_copy_sends_nothing_that_is_there(s3, job, copy):
    uri = copy(f"s3://dev/{MODEL}", job)
    production = s3.named["production"]
    before = dict(production.objects)
    production.changes.clear()
    assert copy(f"s3://dev/{MODEL}", job) == uri
    assert production.objects == before
    assert {change.rpartition("/")[2] for change in production.changes} == {
        "dataset.json",
        "origin.json",
    }


@pytest.mark.parametrize("known", [False, True])
def test_a_model_whose_photos_are_not_known_comes_alone_and_that_is_said(
    s3, job, copy, capsys, known
):
    """An archive of one's own has no job; and a dataset may have been made anew since."""
    job["CreationTime"] = datetime(2025, 1, 1, tzinfo=UTC)
    uri = copy(f"s3://dev/{MODEL}", job if known else None)
    assert "No photos come with the model" in capsys.readouterr().err
    assert objects(s3, "production", "datasets/") == set()
    assert origins.read(s3, uri).training_job == ("job-7" if known else None)


def test_a_model_may_go_on_to_a_third_stage(s3, job, copy):
    staged = copy(f"s3://dev/{MODEL}", job, bucket="staging")
    uri = copy(staged, None, stage="staging")
    origin = origins.read(s3, uri)
    assert (origin.stage, origin.model, origin.training_job) == ("staging", staged, "job-7")
    validation = datasets.read_split(s3, "production", origin.dataset, "validation")[0]
    assert len(validation) == 4


def test_a_stage_that_serves_nothing_has_no_model_to_take(copy):
    with pytest.raises(UserError, match=r"scripts\.deploy_endpoint --stage dev"):
        copy(None, None)
