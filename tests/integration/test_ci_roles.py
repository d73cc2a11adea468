"""GitHub deploys a stage: as the roles of ci/roles.yml, by a token that GitHub would give."""

import dataclasses
import re
from collections.abc import Iterator

import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError

from service.config import ROOT
from service.storage import split_uri
from tests.ci.github import assume, create_roles
from tests.integration.service import Service

STAGE, STACK = "production", "scones-vehicles-production"
SLS = ROOT / "node_modules" / ".bin" / "sls"


@pytest.fixture(scope="module")
def roles(service) -> dict[str, str]:
    """The ARNs of the roles, which an administrator makes once."""
    return create_roles(service, STAGE, ModelsFrom="dev")


@pytest.fixture(scope="module")
def sts(service):
    """STS for whoever has a token and no credentials."""
    return service.client("sts", signature_version=UNSIGNED)


@pytest.fixture(scope="module")
def github(service, roles, sts) -> Service:
    """The shell of a job that deploys the stage."""
    credentials = assume(sts, roles["DeployRoleArn"], STAGE)
    role = {"DEPLOYMENT_ROLE": roles["CloudFormationRoleArn"]}
    return dataclasses.replace(service, env=service.env | credentials | role, outputs={})


@pytest.fixture(scope="module")
def deployed(service, github) -> Iterator[Service]:
    """The same once it has deployed the stage, which an administrator removes at the end."""
    github.run(SLS, "deploy", "--stage", STAGE)
    github.outputs.update(service.outputs_of(STACK))
    yield github
    command(service, "deploy_endpoint", "--delete")
    service.run(SLS, "remove", "--stage", STAGE)


def command(shell: Service, name: str, *arguments: str):
    return shell.script(name, *arguments, "--stage", STAGE)


def test_the_daily_report_has_a_role_without_an_approval(sts, roles):
    assume(sts, roles["ReportRoleArn"], "monitoring")
    with pytest.raises(ClientError, match="Not authorized"):
        assume(sts, roles["ReportRoleArn"], STAGE)


def test_github_deploys_a_stage_and_takes_over_the_model_of_dev(service, deployed):
    said = command(deployed, "deploy_endpoint", "--from-stage", "dev").stdout
    assert f"From       stage dev: s3://{service.bucket}/training/" in said
    own, dev = (split_uri(service.served_archive(endpoint)) for endpoint in (STACK, None))
    assert own[0] == deployed.bucket
    assert service.read(*own[::-1]) == service.read(*dev[::-1])

    # A photo of each class came along, and is classified.
    copied = service.keys("datasets/", deployed.bucket)
    photos = [key for key in copied if "/images/test/" in key]
    counts = deployed.classify([{"s3_key": key} for key in photos])["output"]["counts"]
    assert (counts["submitted"], counts["failed"]) == (2, 0)

    # So did the photos of a baseline.
    assert f"s3://{deployed.bucket}/datasets/" in command(deployed, "monitor", "baseline").stdout


@pytest.mark.proof
def test_github_trains_rolls_out_and_goes_back_to_an_earlier_deployment(demo, deployed):
    command(deployed, "etl", "--archive", str(demo.archive))
    command(deployed, "train", "--epochs", "1")
    command(deployed, "deploy_endpoint", "--force")
    deployed.run(SLS, "deploy", "--stage", STAGE, "--force")
    listed = deployed.run(SLS, "rollback", "--stage", STAGE).stdout
    first = re.findall(r"Timestamp: (\d+)", listed)[0]
    assert "rolled back" in deployed.run(SLS, "rollback", "--stage", STAGE, "-t", first).stderr


def test_github_may_not_change_roles_or_another_stage(service, github):
    denied = {
        "iam": lambda iam: iam.create_role(RoleName=f"{STACK}-more", AssumeRolePolicyDocument="{}"),
        "lambda": lambda functions: functions.delete_function(
            FunctionName="scones-vehicles-dev-classifyImage"
        ),
        "sagemaker": lambda sagemaker: sagemaker.delete_endpoint(
            EndpointName=service.outputs["EndpointName"]
        ),
        "s3": lambda s3: s3.put_object(
            Bucket=service.bucket, Key="training/model.tar.gz", Body=b""
        ),
        "cloudformation": lambda formation: formation.update_stack(
            StackName="scones-vehicles-dev", UsePreviousTemplate=True
        ),
    }
    for name, call in denied.items():
        with pytest.raises(ClientError, match="AccessDenied"):
            call(github.client(name))
