"""GitHub deploys a stage: as the roles of ci/roles.yml, by a token that GitHub would give."""

import dataclasses
import re
import sys
from collections.abc import Iterator

import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError

from service.config import ROOT
from tests.ci.github import REPOSITORY, assume, create_roles
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
    [stack] = service.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    github.outputs.update({o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]})
    yield github
    command(service, "deploy_endpoint", "--delete")
    service.run(SLS, "remove", "--stage", STAGE)


def command(shell: Service, name: str, *arguments: str):
    return shell.run(sys.executable, "-m", f"scripts.{name}", *arguments, "--stage", STAGE)


def test_the_daily_report_has_a_role_without_an_approval(sts, roles):
    assume(sts, roles["ReportRoleArn"], "monitoring")
    with pytest.raises(ClientError, match="Not authorized"):
        assume(sts, roles["ReportRoleArn"], STAGE)


@pytest.mark.parametrize(
    ("environment", "claims"),
    [
        ("dev", {}),
        ("monitoring", {}),
        (STAGE, {"aud": "elsewhere"}),
        (STAGE, {"sub": f"repo:strangers/vehicles:environment:{STAGE}"}),
        (STAGE, {"sub": f"repo:{REPOSITORY}:ref:refs/heads/main"}),
        (STAGE, {"iss": "https://strangers.example"}),
    ],
)
def test_no_other_environment_or_repository_may_deploy(sts, roles, environment, claims):
    with pytest.raises(ClientError, match="Not authorized"):
        assume(sts, roles["DeployRoleArn"], environment, **claims)


def test_github_deploys_a_stage_and_takes_over_the_model_of_dev(service, deployed):
    said = command(deployed, "deploy_endpoint", "--from-stage", "dev").stdout
    assert f"From       stage dev: s3://{service.bucket}/training/" in said
    dev, own = served_model(service, service.outputs["EndpointName"]), served_model(service, STACK)
    assert own.startswith(f"s3://{deployed.bucket}/")
    assert read(service, own) == read(service, dev)

    # A photo of each class came along, and is classified.
    listed = service.client("s3").list_objects_v2(Bucket=deployed.bucket, Prefix="datasets/")
    photos = [each["Key"] for each in listed["Contents"] if "/images/test/" in each["Key"]]
    counts = deployed.classify([{"s3_key": key} for key in photos])["output"]["counts"]
    assert (counts["submitted"], counts["failed"]) == (2, 0)

    # So did the photos of a baseline.
    assert f"s3://{deployed.bucket}/datasets/" in command(deployed, "monitor", "baseline").stdout


def served_model(service: Service, endpoint: str) -> str:
    """The S3 URI of the model that an endpoint serves."""
    sagemaker = service.client("sagemaker")
    name = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    config = sagemaker.describe_endpoint_config(EndpointConfigName=name)
    model = sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    return model["PrimaryContainer"]["ModelDataUrl"]


def read(service: Service, uri: str) -> bytes:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return service.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()


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
