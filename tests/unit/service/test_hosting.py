import re
from contextlib import nullcontext
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from scripts.deploy_endpoint.__main__ import capture_configuration
from service import hosting, terminal
from service.terminal import UserError
from tests.unit.refusals import refusal

SERVICE = "scones-vehicles-dev"
MODEL = {"PrimaryContainer": {"Image": "image", "ModelDataUrl": "s3://bucket/model.tar.gz"}}
VARIANT = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
OTHERS = f"{SERVICE}-Z999-20260101000000"


class MemorySageMaker:
    """SageMaker's hosting in memory. An endpoint settles at the second look."""

    def __init__(self):
        self.models: set[str] = set()
        self.configs: dict[str, list[dict]] = {}
        self.endpoint: dict | None = None
        self.coming: dict | None = None
        self.containers_fail = False
        self.reason = "no ping"
        self.refusal: ClientError | None = None
        self.jobs: dict[str, str] = {}  # the buckets that they write to
        self.update: dict = {}

    def create_model(self, ModelName, **_):  # noqa: N803
        self.models.add(ModelName)

    def create_endpoint_config(self, EndpointConfigName, ProductionVariants, **_):  # noqa: N803
        self.configs[EndpointConfigName] = ProductionVariants

    def describe_endpoint_config(self, EndpointConfigName):  # noqa: N803
        if EndpointConfigName not in self.configs:
            raise missing("endpoint configuration")
        return {"ProductionVariants": self.configs[EndpointConfigName]}

    def delete_model(self, ModelName):  # noqa: N803
        if ModelName not in self.models:
            raise missing("model")
        self.models.remove(ModelName)

    def delete_endpoint_config(self, EndpointConfigName):  # noqa: N803
        assert not self.endpoint or self.endpoint["EndpointConfigName"] != EndpointConfigName
        del self.configs[EndpointConfigName]

    def create_endpoint(self, EndpointName, EndpointConfigName):  # noqa: N803
        assert self.endpoint is None, "an endpoint of this name exists"
        self._change(EndpointConfigName, "Creating", "Failed", EndpointConfigName)

    def update_endpoint(self, EndpointName, EndpointConfigName, **update):  # noqa: N803
        assert self.endpoint["EndpointStatus"] == "InService"
        before = self.endpoint["EndpointConfigName"]
        self.update = update
        self._change(EndpointConfigName, "Updating", "InService", before)

    def _change(self, config, changing, failed, failed_config):
        if self.refusal:
            raise self.refusal
        config_now = self.endpoint["EndpointConfigName"] if self.endpoint else config
        self.endpoint = {"EndpointStatus": changing, "EndpointConfigName": config_now}
        self.coming = {"EndpointStatus": "InService", "EndpointConfigName": config}
        if self.containers_fail:
            self.coming = {"EndpointStatus": failed, "EndpointConfigName": failed_config}
            self.coming["FailureReason"] = self.reason

    def delete_endpoint(self, EndpointName):  # noqa: N803
        self.endpoint = None

    def describe_endpoint(self, EndpointName):  # noqa: N803
        if self.endpoint is None:
            raise missing("endpoint")
        now = self.endpoint
        if self.coming:
            self.endpoint, self.coming = self.coming, None
        return now

    def describe_training_job(self, TrainingJobName):  # noqa: N803
        place = f"s3://{self.jobs[TrainingJobName]}/training"
        return {
            "OutputDataConfig": {"S3OutputPath": place},
            "ModelArtifacts": {"S3ModelArtifacts": f"{place}/{TrainingJobName}/model.tar.gz"},
        }

    def get_paginator(self, operation):
        names, items, field = {
            "list_models": (self.models, "Models", "ModelName"),
            "list_endpoint_configs": (self.configs, "EndpointConfigs", "EndpointConfigName"),
            "list_training_jobs": (self.jobs, "TrainingJobSummaries", "TrainingJobName"),
        }[operation]
        page = {items: [{field: name} for name in names]}
        return SimpleNamespace(paginate=lambda **_: [page])


def missing(what: str):
    return refusal("ValidationException", f'Could not find {what} "x".')


@pytest.fixture
def sagemaker(monkeypatch):
    """Nobody waits, and all happens in the same second."""
    monkeypatch.setattr(hosting.time, "sleep", lambda _: None)
    monkeypatch.setattr(hosting.time, "strftime", lambda _: "20260101000000")
    return MemorySageMaker()


@pytest.fixture
def stage(sagemaker):
    return hosting.Hosting(sagemaker, SERVICE)


def roll_out(stage, trial=lambda: None, **options) -> None:
    stage.roll_out(MODEL, VARIANT, capture_configuration("bucket", 100), trial, **options)


def add(sagemaker, name: str) -> None:
    """What another roll-out has made: a model, and a configuration of it."""
    sagemaker.models.add(name)
    sagemaker.configs[name] = [{"ModelName": name, "InstanceType": "ml.m5.large"}]


def kept(sagemaker) -> set[str]:
    """The names of the models that are left, which are those of the configurations too."""
    assert sagemaker.models == set(sagemaker.configs)
    return set(sagemaker.models)


def test_the_first_roll_out_creates_the_endpoint_and_the_next_removes_the_models_before(
    stage, sagemaker
):
    names = set()
    for _ in range(50):
        roll_out(stage)
        assert sagemaker.endpoint["EndpointStatus"] == "InService"
        names.add(sagemaker.endpoint["EndpointConfigName"])
        assert kept(sagemaker) == {sagemaker.endpoint["EndpointConfigName"]}
    assert len(names) > 45  # of 1.2 million, in the same second


def test_what_belongs_to_others_is_left_alone(stage, sagemaker):
    named_alike = {f"{SERVICE}-{name}-20260101000000" for name in ("eu-A1B2", "a1b2")}
    others = {"mine", f"{SERVICE}-by-hand", f"my-{SERVICE}-1", *named_alike}
    for name in {*others, OTHERS}:
        add(sagemaker, name)
    sagemaker.endpoint = {"EndpointStatus": "InService", "EndpointConfigName": "mine"}
    for sagemaker.containers_fail in (False, True):
        with pytest.raises(UserError) if sagemaker.containers_fail else nullcontext():
            roll_out(stage)
        own = sagemaker.endpoint["EndpointConfigName"]
        assert kept(sagemaker) == {*others, OTHERS, own}  # OTHERS: a roll-out's beside this one
    stage.delete()
    assert kept(sagemaker) == others


fail = Mock(side_effect=UserError("no good."))
# What a failed roll-out meets in SageMaker, its trial, and the error of a first one and a later.
NO_PING = re.escape(f"no ping (log group /aws/sagemaker/Endpoints/{SERVICE})")
DELETED, BACK = f"the endpoint {SERVICE} is deleted", r"^no good\. The model before serves again\.$"
NO_QUOTA = refusal("ResourceLimitExceeded", "ask for more")
BUSY = [
    refusal("X", 'Cannot update in-progress endpoint "arn:aws:sagemaker:x".'),
    refusal("X", 'Cannot create already existing endpoint "arn:aws:sagemaker:x".'),
]
FAILURES = {
    "containers": ({"containers_fail": True}, None, UserError, NO_PING, "is InService: no ping"),
    "trial": ({}, fail, UserError, f"no good.*{DELETED}", BACK),
    "bug": ({}, lambda: 1 / 0, ZeroDivisionError, *["division by zero"] * 2),
    "quota": ({"refusal": NO_QUOTA}, None, ClientError, *["ask for more"] * 2),
    "created": ({"refusal": BUSY[0]}, None, UserError, *["Another roll-out .* is under way"] * 2),
    "updated": ({"refusal": BUSY[1]}, None, UserError, *["Another roll-out .* is under way"] * 2),
}


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("name", FAILURES)
def test_a_roll_out_that_fails_leaves_things_as_they_were_and_says_why(
    stage, sagemaker, name, later
):
    changes, trial, kind, *said = FAILURES[name]
    if later:
        roll_out(stage)
    serving = sagemaker.endpoint and sagemaker.endpoint["EndpointConfigName"]
    vars(sagemaker).update(changes)
    with pytest.raises(kind, match=said[later]):
        roll_out(stage, trial or (lambda: None))
    if later:
        assert sagemaker.endpoint["EndpointStatus"] == "InService"
        assert {sagemaker.endpoint["EndpointConfigName"]} == kept(sagemaker) == {serving}
    else:
        assert (sagemaker.endpoint, kept(sagemaker)) == (None, set())


def test_ctrl_c_says_what_sagemaker_goes_on_with_and_what_stands(stage, sagemaker, monkeypatch):
    for said in ("goes on creating .* --delete", "goes on updating .* the model before answers"):
        with monkeypatch.context() as patch:
            patch.setattr(hosting.time, "sleep", Mock(side_effect=KeyboardInterrupt))
            with pytest.raises(terminal.Interrupted, match=said):
                roll_out(stage)
        stage.settle()


@pytest.mark.parametrize("scales", [False, True])
def test_the_new_model_is_tried_and_putting_the_one_before_back_keeps_instances(
    stage, sagemaker, scales
):
    roll_out(stage)
    serving = sagemaker.endpoint["EndpointConfigName"]
    tried = []

    def trial():
        tried.append(sagemaker.endpoint)
        fail()

    with pytest.raises(UserError):
        roll_out(stage, trial, keep_instance_count=scales)
    assert tried[0]["EndpointStatus"] == "InService"
    assert tried[0]["EndpointConfigName"] != serving
    assert bool(sagemaker.update) == scales


def test_a_model_before_that_cannot_be_put_back_is_said(stage, sagemaker):
    roll_out(stage)

    def break_sagemaker():
        sagemaker.refusal = refusal("ResourceLimitExceeded", "ask for more")
        fail()

    with pytest.raises(
        UserError, match=r"no good.*could not be put back.*ask for more.*--model-data"
    ):
        roll_out(stage, break_sagemaker)
    sagemaker.refusal = None

    def break_containers():
        sagemaker.containers_fail = True
        fail()

    with pytest.raises(UserError, match=r"could not be put back.*no ping"):
        roll_out(stage, break_containers)
    assert sagemaker.endpoint["EndpointStatus"] == "InService"
    assert sagemaker.endpoint["EndpointConfigName"] in kept(sagemaker)


def test_a_trial_that_fails_undoes_no_later_roll_out(stage, sagemaker):
    roll_out(stage)

    def overtaken():
        add(sagemaker, OTHERS)
        sagemaker.endpoint = {"EndpointStatus": "InService", "EndpointConfigName": OTHERS}
        fail()

    with pytest.raises(UserError, match="Another roll-out came after this one"):
        roll_out(stage, overtaken)
    assert sagemaker.endpoint["EndpointConfigName"] == OTHERS


def test_ctrl_c_in_a_trial_says_what_serves(stage):
    interrupt = Mock(side_effect=KeyboardInterrupt)
    with pytest.raises(terminal.Interrupted, match="serves the new model, which was not tried"):
        roll_out(stage, interrupt)


def test_a_quota_that_stops_a_roll_out_later_is_named_with_where_to_ask(stage, sagemaker):
    sagemaker.containers_fail = True
    sagemaker.reason = (
        "The account-level service limit 'ml.c5.large for endpoint usage' is 0 Instances, with "
        "current utilization of 0 Instances and a request delta of 1 Instances."
    )
    with pytest.raises(UserError, match=r"'ml\.c5\.large for end.*Ask AWS for more"):
        roll_out(stage)


@pytest.mark.parametrize("status", ["Failed", "Updating"])
def test_an_endpoint_that_failed_is_made_anew_and_one_that_changes_is_waited_for(
    stage, sagemaker, status
):
    serving = {"EndpointStatus": "InService", "EndpointConfigName": "gone"}
    sagemaker.endpoint = serving | {"EndpointStatus": status}
    sagemaker.coming = serving if status == "Updating" else None
    roll_out(stage)
    assert sagemaker.endpoint["EndpointStatus"] == "InService"


def test_all_is_deleted_but_what_another_makes_meanwhile(stage, sagemaker):
    roll_out(stage)
    add(sagemaker, f"{SERVICE}-20251231000000")  # from before names had marks
    look = sagemaker.describe_endpoint

    def describe(EndpointName):  # noqa: N803
        add(sagemaker, OTHERS)
        return look(EndpointName)

    sagemaker.describe_endpoint = describe
    assert stage.delete() is True
    assert (sagemaker.endpoint, kept(sagemaker)) == (None, {OTHERS})
    sagemaker.describe_endpoint = look
    assert (stage.delete(), stage.delete()) == (True, False)


def test_the_longest_name_of_a_training_job_fits():
    stage = "x" * 13  # of serverless.yml's role names, IAM allows no longer one
    base = hosting.add_mark(f"scones-vehicles-{stage}-fold-10-of-10")
    assert len(f"{base}-20260101000000") <= 63  # ModelTrainer cuts off what is more


def test_a_roll_out_that_another_took_the_place_of_says_so(stage, sagemaker):
    roll_out(stage)
    add(sagemaker, OTHERS)
    update = sagemaker.update_endpoint

    def overtaken(**request):
        update(**request)
        sagemaker.coming = {"EndpointStatus": "InService", "EndpointConfigName": OTHERS}

    sagemaker.update_endpoint = overtaken
    with pytest.raises(UserError, match="another roll-out came after this one"):
        roll_out(stage)
    assert OTHERS in kept(sagemaker)


def test_instances_are_kept_where_the_endpoint_scales_and_captures_follow_the_configuration(
    stage, sagemaker
):
    roll_out(stage, keep_instance_count=True)
    assert sagemaker.update == {}
    roll_out(stage)
    assert sagemaker.update == {}  # all as the new configuration says
    roll_out(stage, keep_instance_count=True)
    assert sagemaker.update == {
        "RetainAllVariantProperties": True,
        "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DataCaptureConfig"}],
    }


def test_the_type_of_the_instances_that_serve_is_known(stage, sagemaker):
    assert stage.instance_type() is None
    roll_out(stage)
    assert stage.instance_type() == "ml.m5.large"
    sagemaker.endpoint["EndpointStatus"] = "Failed"
    assert stage.instance_type() is None


def test_the_newest_model_is_of_this_stages_newest_job_in_its_bucket(stage, sagemaker):
    sagemaker.jobs = {
        f"{SERVICE}-eu-A1B2-20260104000000": "b",
        f"{SERVICE}-A1B2-20260103000000": "b-of-a-former-stack",
        f"{SERVICE}-A1B2-20260102000000": "b",
        f"{SERVICE}-20260101000000": "b",
        f"{SERVICE}-old": "b",
    }
    newest = f"{SERVICE}-A1B2-20260102000000"
    assert stage.newest_model("b") == f"s3://b/training/{newest}/model.tar.gz"
    del sagemaker.jobs[newest]
    assert "20260101000000" in stage.newest_model("b")
    with pytest.raises(UserError, match=r"scripts\.train"):
        stage.newest_model("another")
