import re

import pytest
from botocore.exceptions import ClientError

from scripts import hosting
from scripts.cli import UserError
from scripts.deploy_endpoint import capture_configuration

SERVICE = "scones-vehicles-dev"
MODEL = {"PrimaryContainer": {"Image": "image", "ModelDataUrl": "s3://bucket/model.tar.gz"}}
VARIANT = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


class MemorySageMaker:
    """SageMaker's hosting in memory. An endpoint settles at the second look."""

    def __init__(self):
        self.models: set[str] = set()
        self.configs: set[str] = set()
        self.endpoint: dict | None = None
        self.coming: dict | None = None
        self.containers_fail = False
        self.no_quota = False
        self.jobs: list[str] = []

    def create_model(self, ModelName, **_):  # noqa: N803
        self.models.add(ModelName)

    def create_endpoint_config(self, EndpointConfigName, **_):  # noqa: N803
        self.configs.add(EndpointConfigName)

    def delete_model(self, ModelName):  # noqa: N803
        self.models.remove(ModelName)

    def delete_endpoint_config(self, EndpointConfigName):  # noqa: N803
        assert not self.endpoint or self.endpoint["EndpointConfigName"] != EndpointConfigName
        self.configs.remove(EndpointConfigName)

    def create_endpoint(self, EndpointName, EndpointConfigName):  # noqa: N803
        assert self.endpoint is None, "an endpoint of this name exists"
        self._change(EndpointConfigName, "Creating", "Failed", EndpointConfigName)

    def update_endpoint(self, EndpointName, EndpointConfigName):  # noqa: N803
        assert self.endpoint["EndpointStatus"] == "InService"
        before = self.endpoint["EndpointConfigName"]
        self._change(EndpointConfigName, "Updating", "InService", before)

    def _change(self, config, changing, failed, failed_config):
        if self.no_quota:
            error = {"Code": "ResourceLimitExceeded", "Message": "ask for more"}
            raise ClientError({"Error": error}, "CreateEndpoint")
        config_now = self.endpoint["EndpointConfigName"] if self.endpoint else config
        self.endpoint = {"EndpointStatus": changing, "EndpointConfigName": config_now}
        if self.containers_fail:
            self.coming = {
                "EndpointStatus": failed,
                "EndpointConfigName": failed_config,
                "FailureReason": "no ping",
            }
        else:
            self.coming = {"EndpointStatus": "InService", "EndpointConfigName": config}

    def delete_endpoint(self, EndpointName):  # noqa: N803
        self.endpoint = None

    def describe_endpoint(self, EndpointName):  # noqa: N803
        if self.endpoint is None:
            error = {"Code": "ValidationException", "Message": 'Could not find endpoint "x".'}
            raise ClientError({"Error": error}, "DescribeEndpoint")
        now = self.endpoint
        if self.coming:
            self.endpoint, self.coming = self.coming, None
        return now

    def describe_training_job(self, TrainingJobName):  # noqa: N803
        return {"ModelArtifacts": {"S3ModelArtifacts": f"s3://b/{TrainingJobName}/model.tar.gz"}}

    def get_paginator(self, operation):
        pages = {
            "list_models": lambda: {"Models": [{"ModelName": n} for n in self.models]},
            "list_endpoint_configs": lambda: {
                "EndpointConfigs": [{"EndpointConfigName": n} for n in self.configs]
            },
            "list_training_jobs": lambda: {
                "TrainingJobSummaries": [{"TrainingJobName": n} for n in self.jobs]
            },
        }

        class Paginator:
            def paginate(self, **_):
                yield pages[operation]()

        return Paginator()


@pytest.fixture
def sagemaker(monkeypatch):
    """Seconds pass as fast as names are made, and nobody waits for them."""
    seconds = iter(range(10, 60))
    monkeypatch.setattr(hosting.time, "sleep", lambda _: None)
    monkeypatch.setattr(hosting.time, "strftime", lambda _: f"202601010000{next(seconds)}")
    return MemorySageMaker()


@pytest.fixture
def stage(sagemaker):
    return hosting.Hosting(sagemaker, SERVICE, SERVICE)


def roll_out(stage) -> None:
    stage.roll_out(MODEL, VARIANT, capture_configuration("bucket", 100))


def test_the_first_roll_out_creates_the_endpoint(stage, sagemaker):
    roll_out(stage)
    assert sagemaker.endpoint["EndpointStatus"] == "InService"
    assert sagemaker.models == sagemaker.configs == {sagemaker.endpoint["EndpointConfigName"]}


def test_the_next_updates_it_and_removes_the_models_before(stage, sagemaker):
    roll_out(stage)
    first = sagemaker.endpoint["EndpointConfigName"]
    roll_out(stage)
    assert sagemaker.endpoint["EndpointStatus"] == "InService"
    assert sagemaker.models == sagemaker.configs == {sagemaker.endpoint["EndpointConfigName"]}
    assert sagemaker.endpoint["EndpointConfigName"] != first


def test_what_belongs_to_others_is_left_alone(stage, sagemaker):
    others = {f"{SERVICE}-eu-20260101000000", "mine", f"{SERVICE}-by-hand", f"my-{SERVICE}-1"}
    sagemaker.models |= others
    sagemaker.configs |= others
    roll_out(stage)
    stage.delete()
    assert sagemaker.models == sagemaker.configs == others


def test_a_first_roll_out_that_fails_leaves_nothing_and_says_why(stage, sagemaker):
    sagemaker.containers_fail = True
    with pytest.raises(
        UserError, match=re.escape(f"no ping (log group /aws/sagemaker/Endpoints/{SERVICE})")
    ):
        roll_out(stage)
    assert (sagemaker.endpoint, sagemaker.models, sagemaker.configs) == (None, set(), set())


def test_an_update_that_fails_leaves_the_model_before_it_serving(stage, sagemaker):
    roll_out(stage)
    serving = dict(sagemaker.endpoint)
    sagemaker.containers_fail = True
    with pytest.raises(UserError, match="could not be updated and is InService: no ping"):
        roll_out(stage)
    assert sagemaker.endpoint["EndpointConfigName"] == serving["EndpointConfigName"]
    assert sagemaker.models == sagemaker.configs == {serving["EndpointConfigName"]}


@pytest.mark.parametrize("serving", [False, True])
def test_a_roll_out_that_sagemaker_refuses_leaves_things_as_they_were(stage, sagemaker, serving):
    if serving:
        roll_out(stage)
    before = (sagemaker.endpoint, set(sagemaker.models), set(sagemaker.configs))
    sagemaker.no_quota = True
    with pytest.raises(ClientError, match="ask for more"):
        roll_out(stage)
    assert (sagemaker.endpoint, sagemaker.models, sagemaker.configs) == before


def test_an_endpoint_that_failed_is_made_anew(stage, sagemaker):
    sagemaker.endpoint = {"EndpointStatus": "Failed", "EndpointConfigName": "gone"}
    roll_out(stage)
    assert sagemaker.endpoint["EndpointStatus"] == "InService"


def test_an_endpoint_that_is_changing_is_waited_for(stage, sagemaker):
    roll_out(stage)
    sagemaker.coming = sagemaker.endpoint
    sagemaker.endpoint = {**sagemaker.endpoint, "EndpointStatus": "Updating"}
    roll_out(stage)
    assert sagemaker.endpoint["EndpointStatus"] == "InService"


def test_deleting_says_whether_there_was_anything(stage, sagemaker):
    roll_out(stage)
    assert stage.delete() is True
    assert (sagemaker.endpoint, sagemaker.models, sagemaker.configs) == (None, set(), set())
    assert stage.delete() is False


def test_the_newest_model_is_of_this_stages_newest_job(stage, sagemaker):
    sagemaker.jobs = [f"{SERVICE}-eu-20260102000000", f"{SERVICE}-20260101000000", f"{SERVICE}-old"]
    assert stage.newest_model() == f"s3://b/{SERVICE}-20260101000000/model.tar.gz"
    sagemaker.jobs = []
    with pytest.raises(UserError, match=r"scripts\.train"):
        stage.newest_model()


def test_the_instances_that_an_endpoint_is_to_have_are_counted(stage, sagemaker):
    assert stage.instance_count() == 0
    roll_out(stage)
    sagemaker.endpoint["ProductionVariants"] = [
        {"CurrentInstanceCount": 2, "DesiredInstanceCount": 3}
    ]
    assert stage.instance_count() == 3


def test_answers_are_captured_as_readable_json():
    capture = capture_configuration("bucket", 25)
    assert capture["DestinationS3Uri"] == "s3://bucket/capture"
    assert capture["InitialSamplingPercentage"] == 25
    assert capture["CaptureContentTypeHeader"] == {"JsonContentTypes": ["application/json"]}
