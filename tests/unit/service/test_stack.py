import re

import boto3
import pytest

from service.stack import OUTPUTS, Cloud, find_stack
from service.terminal import UserError
from tests.unit.refusals import refusal

pytestmark = pytest.mark.usefixtures("no_aws")


def test_the_region_is_the_environment_s_or_the_local_cloud_s(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert Cloud().region == "eu-west-1"
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    assert Cloud().region == Cloud().session.region_name == "eu-north-1"
    monkeypatch.setenv("AWS_REGION", "")
    assert Cloud().region == "eu-west-1"
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    assert Cloud().region == "us-east-1"


# What someone names as the region, and what the error says; plugins/guard.js says it word for word.
NO_REGION = [
    (" ", '" " is no region'),
    (" eu-central-1", '" eu-central-1" is no region'),
    ("eu-central-1\n", r'"eu-central-1\n" is no region'),
    ("us-east-1.evil.example", "is no region"),
    ("x@evil.example/", "is no region"),
    ("eu-central-\u0661", "is no region"),
    ("cn-north-1", "cn-north-1 is outside AWS's commercial partition"),
    ("us-gov-west-1", "commercial"),
    ("us-isob-east-1", "commercial"),
]


@pytest.mark.parametrize(("region", "said"), NO_REGION)
def test_a_region_that_cannot_be_meant_is_one_line(monkeypatch, region, said):
    monkeypatch.setenv("AWS_REGION", region)
    with pytest.raises(UserError, match=re.escape(said)) as raised:
        Cloud()
    assert "\n" not in str(raised.value)


def test_every_region_of_sagemaker_is_taken(monkeypatch):
    regions = boto3.Session().get_available_regions("sagemaker")
    assert len(regions) > 20
    monkeypatch.setattr(boto3, "Session", lambda **_: None)  # which would take 50 ms for each
    for region in regions:
        monkeypatch.setenv("AWS_REGION", region)
        assert Cloud().region == region


def test_a_region_that_nobody_named_and_an_address_without_a_scheme_are_one_line(
    monkeypatch, tmp_path
):
    (tmp_path / "config").write_text("[profile work]\nregion = eu-west-3\n")
    work = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_PROFILE": "work"}
    for variables, said in (
        ({"AWS_ENDPOINT_URL": ""}, "export AWS_REGION="),
        ({"AWS_ENDPOINT_URL": "https://vpce.example.com"}, "export AWS_REGION="),
        ({"AWS_ENDPOINT_URL": "localhost:4566"}, "localhost:4566"),
        (work | {"AWS_ENDPOINT_URL": ""}, r"a profile's is not used.*export AWS_REGION="),
    ):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(UserError, match=said):
            Cloud()


class Answers:
    """A cloud whose CloudFormation answers with one stack or an error."""

    region = "eu-north-1"

    def __init__(self, outputs: dict[str, str] | None):
        self.outputs = outputs

    def __str__(self):
        return self.region

    def client(self, _service):
        return self

    def describe_stacks(self, StackName):  # noqa: N803
        if self.outputs is None:
            raise refusal("ValidationError", f"Stack with id {StackName} does not exist")
        outputs = [{"OutputKey": key, "OutputValue": key} for key in self.outputs]
        return {"Stacks": [{"StackStatus": "ROLLBACK_COMPLETE", "Outputs": outputs}]}


def test_a_stack_is_found_by_its_stage_or_one_line_says_what_to_do():
    stack = find_stack(Answers([*OUTPUTS.values(), "TopicArn"]), "dev")
    assert stack.bucket == "BucketName"
    assert stack.serving_repository == "ServingRepositoryUri"
    with pytest.raises(UserError, match=r"No stack .*-eu in eu-north-1.*sls deploy --stage eu"):
        find_stack(Answers(None), "eu")
    with pytest.raises(UserError, match=r"ROLLBACK_COMPLETE.*EndpointName.*sls deploy"):
        find_stack(Answers(["BucketName"]), "dev")
