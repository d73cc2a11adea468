"""What deploy_endpoint says of a model before it rolls it out."""

import json
from types import SimpleNamespace

import pytest

from scripts import config, deploy_endpoint
from scripts.cli import UserError
from tests.archives import tar
from tests.unit.scripts.memory_ecr import REPOSITORY, MemoryEcr
from tests.unit.scripts.memory_s3 import MemoryS3

MODEL = "s3://bucket/model.tar.gz"
METRICS = {
    "image_size": 32,
    "test": {"accuracy": 0.97, "expected_calibration_error": {"after_temperature": 0.02}},
    "validation": {"images": 160},
    "operating_point": {"threshold": 0.9, "precision_target": 0.99},
}


class Cloud:
    """Clients of a bucket that holds what is put into it."""

    def __init__(self):
        self.s3 = MemoryS3()

    def client(self, service: str):
        assert service == "s3"
        return self.s3


@pytest.fixture
def cloud(monkeypatch):
    settings = {**config.load(), "threshold": 0.95}
    monkeypatch.setattr(config, "load", lambda: settings)
    return Cloud()


def check(cloud, force: bool = False, **changes) -> None:
    archive = tar({"metrics.json": json.dumps(METRICS | changes).encode()})
    cloud.s3.objects["model.tar.gz"] = archive
    deploy_endpoint.check_model(cloud, MODEL, SimpleNamespace(force=force, stage="prod"))


def test_the_threshold_is_set_beside_the_models_own(cloud, capsys):
    check(cloud)
    said = capsys.readouterr()
    assert (
        "0.95 in config.yml; the model's own: 0.9 reaches 99 % precision on its 160 validation "
        "photos" in said.out
    )
    assert said.err == ""


def test_a_threshold_below_the_models_own_is_warned_of_and_not_refused(cloud, capsys):
    check(cloud, operating_point={"threshold": 0.9731, "precision_target": 0.99})
    (warning,) = capsys.readouterr().err.splitlines()
    assert "`threshold: 0.9731`" in warning
    assert "sls deploy --stage prod" in warning


def test_a_model_of_no_threshold_is_not_warned_of(cloud, capsys):
    check(cloud, operating_point={"threshold": None, "precision_target": 0.99})
    said = capsys.readouterr()
    assert "none reaches 99 % precision" in said.out
    assert said.err == ""


def test_a_model_of_another_size_is_refused_even_by_force(cloud):
    with pytest.raises(UserError, match=r"image\.size"):
        check(cloud, force=True, image_size=64)


def test_a_model_that_does_not_say_its_threshold_is_not_warned_of(cloud, capsys):
    check(cloud, operating_point={"threshold": 0.99, "precision_target": 0.99}, validation=None)
    said = capsys.readouterr()
    assert "does not say" in said.out
    assert said.err == ""


def test_an_empty_image_is_refused_and_not_the_newest():
    cloud = SimpleNamespace(client=lambda _: MemoryEcr())
    arguments = SimpleNamespace(image="", stage="dev")
    with pytest.raises(UserError, match="'' is no image"):
        deploy_endpoint.choose_image(
            cloud, SimpleNamespace(serving_repository=REPOSITORY), arguments
        )


@pytest.mark.parametrize(
    ("descriptions", "said"),
    [
        ({}, "holds no dataset of 32-pixel photos"),
        ({"large": {"name": "large", "image_size": 64}}, "holds no dataset of 32-pixel photos"),
        ({"odd": ["a list"]}, "holds no dataset of 32-pixel photos"),
        ({"empty": {"name": "empty", "image_size": 32}}, "dataset empty in bucket has no test"),
    ],
)
def test_a_stage_without_a_photo_to_try_says_so_and_has_no_error(cloud, capsys, descriptions, said):
    for name, description in descriptions.items():
        body = json.dumps(description).encode()
        cloud.s3.put_object("bucket", f"datasets/{name}/dataset.json", body, "")
    deploy_endpoint.try_sample(cloud, SimpleNamespace(bucket="bucket", endpoint="e"))
    assert said in capsys.readouterr().out
