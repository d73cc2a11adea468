"""A stack of an earlier version, with photos and an endpoint, becomes today's by an update."""

import json

import pytest

from tests.infrastructure.conftest import TEMPLATE, make_package
from tests.infrastructure.template import earlier
from tests.local.conftest import ACCOUNT, archive, until
from tests.local.sagemaker.conftest import model_archive

STACK = "scones-vehicles-dev"
# These two have another name with each region, and with each content.
REPLACED = {"Dashboard", "PythonDependenciesLambdaLayer"}


def deploy(session, template: dict, act: str) -> dict[str, str]:
    """Create or update the stack; the physical ids of its resources by logical id."""
    formation, s3 = session.client("cloudformation"), session.client("s3")
    resources = {**template["Resources"]}
    # osls uploads the archives to a bucket that it makes by a deployment before this.
    for name, resource in resources.items():
        member = {"AWS::Lambda::Function": "Code", "AWS::Lambda::LayerVersion": "Content"}.get(
            resource["Type"]
        )
        if member:
            place = resource["Properties"][member]
            s3.put_object(
                Bucket=f"{STACK}-packages", Key=place["S3Key"], Body=archive({"nothing.py": ""})
            )
            properties = resource["Properties"] | {
                member: place | {"S3Bucket": f"{STACK}-packages"}
            }
            resources[name] = resource | {"Properties": properties}
    body = json.dumps(template | {"Resources": resources}).encode()
    s3.put_object(Bucket=f"{STACK}-packages", Key="template.json", Body=body)
    getattr(formation, f"{act}_stack")(
        StackName=STACK,
        TemplateURL=f"https://s3.amazonaws.com/{STACK}-packages/template.json",
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    stack = until(
        lambda: formation.describe_stacks(StackName=STACK)["Stacks"][0],
        lambda stack: not stack["StackStatus"].endswith("IN_PROGRESS"),
        60,
    )
    assert stack["StackStatus"] == f"{act.upper()}_COMPLETE", stack
    pages = formation.get_paginator("list_stack_resources").paginate(StackName=STACK)
    return {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for page in pages
        for each in page["StackResourceSummaries"]
    }


@pytest.mark.proof
def test_a_stack_with_photos_and_an_endpoint_is_upgraded(session, sagemaker, tmp_path):
    s3, ecr = session.client("s3"), session.client("ecr")
    s3.create_bucket(Bucket=f"{STACK}-packages")
    before = deploy(session, earlier(), "create")
    bucket = before["Bucket"]
    s3.put_object(Bucket=bucket, Key="photos/4711.png", Body=b"pixels")
    docker = "application/vnd.docker.distribution.manifest.v2+json"
    ecr.put_image(
        repositoryName=before["ServingRepository"],
        imageManifest=json.dumps({"schemaVersion": 2, "mediaType": docker}),
        imageManifestMediaType=docker,
        imageTag="latest",
    )
    model_key = "training/a-job/output/model.tar.gz"
    s3.put_object(Bucket=bucket, Key=model_key, Body=model_archive("bicycle"))
    [role] = [
        each["Arn"]
        for each in session.client("iam").list_roles()["Roles"]
        if each["RoleName"] == before["SageMakerRole"]
    ]
    container = {
        "Image": f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/{before['ServingRepository']}:latest",
        "ModelDataUrl": f"s3://{bucket}/{model_key}",
        "Environment": {"SAGEMAKER_MODEL_SERVER_WORKERS": "1"},
    }
    model = sagemaker.model(b"", ExecutionRoleArn=role, PrimaryContainer=container)
    capture = sagemaker.capture_config(DestinationS3Uri=f"s3://{bucket}/capture")
    endpoint = sagemaker.endpoint(sagemaker.config(model, DataCaptureConfig=capture))

    today = json.loads((make_package(tmp_path) / TEMPLATE).read_text())
    after = deploy(session, today, "update")

    moved = {name for name, physical in before.items() if after.get(name) != physical}
    assert moved <= REPLACED
    assert not {"Bucket", "Topic", "ServingRepository"} & moved
    assert s3.get_object(Bucket=bucket, Key="photos/4711.png")["Body"].read() == b"pixels"
    # The endpoint goes on, and what it is asked now is captured under the role as it is now.
    assert sagemaker.settled(endpoint)["EndpointStatus"] == "InService"
    assert sagemaker.invoke(endpoint, InferenceId="after")["json"]
    sagemaker.delete(endpoint)
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"capture/{endpoint}/")["Contents"]
    assert b'"after"' in s3.get_object(Bucket=bucket, Key=listed[-1]["Key"])["Body"].read()
    # The role that may no longer write the model can still roll it out again.
    assert sagemaker.model(b"", ExecutionRoleArn=role, PrimaryContainer=container)
