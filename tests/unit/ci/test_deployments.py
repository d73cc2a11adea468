from types import SimpleNamespace

import pytest

from ci import deployments
from service.terminal import UserError
from tests.unit.refusals import refusal

STAGE = "production"
BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {}}
BEFORE, NOW = "1795930569677", "1795930999000"


def made_at(timestamp: str) -> dict:
    """A template whose function has the archive of that deployment."""
    key = f"serverless/scones-vehicles/{STAGE}/{timestamp}-2026-11-29T05:36:09.677Z/a.zip"
    function = {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"S3Key": key}}}
    return {"Resources": {"Bucket": BUCKET, "ClassifyImage": function}}


class MemoryStack:
    """CloudFormation with one stack, or without one."""

    def __init__(self, template: dict | None):
        self.template = template

    def describe_stacks(self, StackName):  # noqa: N803
        if self.template is None:
            raise refusal("ValidationError", f"Stack with id {StackName} does not exist")
        return {"Stacks": [{"StackName": StackName}]}

    def get_template(self, StackName):  # noqa: N803
        return {"TemplateBody": self.template}


@pytest.fixture
def commands(monkeypatch):
    """The commands that were run, each of which succeeds."""
    found = []

    def run(command):
        found.append(command)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(deployments.subprocess, "run", run)
    return found


@pytest.mark.parametrize(
    ("template", "current"),
    [(None, None), ({"Resources": {"Bucket": BUCKET}}, None), (made_at(BEFORE), BEFORE)],
    ids=["no stack", "a stack whose first deployment failed", "a deployment"],
)
def test_the_current_deployment_is_the_one_of_the_stack(template, current):
    assert deployments.find_current(MemoryStack(template), STAGE) == current


def test_a_newer_deployment_is_rolled_back_and_nothing_else(commands):
    stack = MemoryStack(made_at(NOW))
    for before, reason in (("", "first deployment"), (NOW, "no newer deployment")):
        with pytest.raises(UserError, match=reason):
            deployments.roll_back(stack, STAGE, before)
    assert commands == []
    deployments.roll_back(stack, STAGE, BEFORE)
    assert commands == [["sls", "rollback", "--stage", STAGE, "--timestamp", BEFORE]]
