"""A stack of an earlier version, with photos and an endpoint, becomes today's by an update."""

import json

import pytest
from PIL import Image

from scripts.generate.bad_images import encode
from tests.archives import zipped
from tests.infrastructure.conftest import TEMPLATE, make_package
from tests.infrastructure.template import earlier
from tests.infrastructure.test_names import REMOVED
from tests.integration.service import Service
from tests.models import model_archive

STACK, PACKAGES = "scones-vehicles-dev", "scones-vehicles-dev-packages"
# What is an archive of a resource.
ARCHIVES = {"AWS::Lambda::Function": "Code", "AWS::Lambda::LayerVersion": "Content"}
# These two have another name with each region, and with each content.
REPLACED = {"Dashboard", "PythonDependenciesLambdaLayer"}
MINUTE = {"Delay": 1, "MaxAttempts": 60}


def deploy(account: Service, template: dict, act: str) -> dict[str, str]:
    """Create or update the stack; the physical ids of its resources by logical id."""
    formation, s3 = account.client("cloudformation"), account.client("s3")
    resources = {**template["Resources"]}
    # osls uploads the archives to a bucket that it makes by a deployment before this.
    for name, resource in resources.items():
        if member := ARCHIVES.get(resource["Type"]):
            place = resource["Properties"][member]
            s3.put_object(Bucket=PACKAGES, Key=place["S3Key"], Body=zipped({"nothing.py": ""}))
            properties = resource["Properties"] | {member: place | {"S3Bucket": PACKAGES}}
            resources[name] = resource | {"Properties": properties}
    body = json.dumps(template | {"Resources": resources}).encode()
    s3.put_object(Bucket=PACKAGES, Key="template.json", Body=body)
    getattr(formation, f"{act}_stack")(
        StackName=STACK,
        TemplateURL=f"https://s3.amazonaws.com/{PACKAGES}/template.json",
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    formation.get_waiter(f"stack_{act}_complete").wait(StackName=STACK, WaiterConfig=MINUTE)
    pages = formation.get_paginator("list_stack_resources").paginate(StackName=STACK)
    return {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for page in pages
        for each in page["StackResourceSummaries"]
    }


def create_endpoint(sagemaker, model: str, bucket: str) -> str:
    """An endpoint in service that captures everything; its name."""
    name = "upgraded"
    variant = {"VariantName": "v0", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[variant | {"ModelName": model}],
        DataCaptureConfig={
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{bucket}/capture",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
        },
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    waiter = sagemaker.get_waiter("endpoint_in_service")
    waiter.wait(EndpointName=name, WaiterConfig=MINUTE)
    return name


@pytest.mark.proof
def test_a_stack_with_photos_and_an_endpoint_is_upgraded(account, tmp_path):
    s3, ecr, sagemaker = (account.client(name) for name in ("s3", "ecr", "sagemaker"))
    s3.create_bucket(Bucket=PACKAGES)
    before = deploy(account, earlier(), "create")
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
    role = account.client("iam").get_role(RoleName=before["SageMakerRole"])["Role"]["Arn"]
    found = ecr.describe_repositories(repositoryNames=[before["ServingRepository"]])
    container = {
        "Image": f"{found['repositories'][0]['repositoryUri']}:latest",
        "ModelDataUrl": f"s3://{bucket}/{model_key}",
        "Environment": {"SAGEMAKER_MODEL_SERVER_WORKERS": "1"},
    }
    model = {"ExecutionRoleArn": role, "PrimaryContainer": container}
    sagemaker.create_model(ModelName="before", **model)
    endpoint = create_endpoint(sagemaker, "before", bucket)

    today = json.loads((make_package(tmp_path) / TEMPLATE).read_text())
    after = deploy(account, today, "update")

    assert before.keys() - after.keys() == REMOVED
    moved = {name for name in before.keys() & after.keys() if after[name] != before[name]}
    assert moved <= REPLACED
    assert not {"Bucket", "Topic", "ServingRepository"} & moved
    assert account.read("photos/4711.png", bucket) == b"pixels"
    # The endpoint goes on, and what it is asked now is captured under the role as it is now.
    described = sagemaker.describe_endpoint(EndpointName=endpoint)
    assert described["EndpointStatus"] == "InService"
    photo = encode(Image.new("RGB", (32, 32), "red"), "PNG")
    answer = account.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint, ContentType="image/png", Body=photo, InferenceId="after"
    )
    assert json.load(answer["Body"])
    sagemaker.delete_endpoint(EndpointName=endpoint)
    waiter = sagemaker.get_waiter("endpoint_deleted")
    waiter.wait(EndpointName=endpoint, WaiterConfig=MINUTE)
    captured = account.keys(f"capture/{endpoint}/", bucket)
    assert b'"after"' in account.read(captured[-1], bucket)
    # The role that may no longer write the model can still roll it out again.
    sagemaker.create_model(ModelName="after", **model)
