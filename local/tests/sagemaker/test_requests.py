"""Requests are checked as AWS checks them: their form, their caller, what they ask for."""

import copy

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

LONG = {"EndpointName": "e" * 64, "EndpointConfigName": "a_b"}
HUGE = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.huge"}


@pytest.mark.parametrize(
    ("operation", "request_", "problem"),
    [
        (
            "create_endpoint",
            {"EndpointName": "a_b", "EndpointConfigName": "x"},
            "1 validation error detected: Value 'a_b' at 'endpointName' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: ",
        ),
        ("create_endpoint", LONG, "3 validation errors detected: "),
        (
            "list_models",
            {"MaxResults": 101},
            "Value '101' at 'maxResults' failed to satisfy constraint: Member must have value "
            "less than or equal to 100",
        ),
        (
            "list_endpoints",
            {"StatusEquals": "Fine"},
            "Value 'Fine' at 'statusEquals' failed to satisfy constraint: Member must satisfy "
            "enum value set: [OutOfService, Creating,",
        ),
        (
            "create_endpoint_config",
            {"EndpointConfigName": "x", "ProductionVariants": [HUGE]},
            "Value 'ml.huge' at 'productionVariants.1.member.instanceType' failed to satisfy",
        ),
        ("describe_model", {}, "Value null at 'modelName' failed to satisfy constraint: Member "),
        ("create_model", {"ModelName": "m"}, "emulate CreateModel without ExecutionRoleArn"),
    ],
)
def test_what_does_not_fit_awss_model_is_refused_in_awss_words(
    session, operation, request_, problem
):
    client = session.client("sagemaker", config=Config(parameter_validation=False))
    with pytest.raises(ClientError) as raised:
        getattr(client, operation)(**request_)
    assert raised.value.response["Error"]["Code"] == "ValidationException"
    assert problem in raised.value.response["Error"]["Message"]


def test_a_value_of_another_type_is_refused(session):
    client = session.client("sagemaker", config=Config(parameter_validation=False))
    with pytest.raises(ClientError, match="SerializationException"):
        client.describe_model(ModelName={"no": "name"})


def test_operations_that_are_not_emulated_are_refused_by_name(sagemaker):
    with pytest.raises(ClientError, match="does not emulate SageMaker's ListPipelines"):
        sagemaker.client.list_pipelines()


def test_lists_come_in_pages_filtered_and_sorted(sagemaker, bicycle_model):
    names = sorted(sagemaker.config(bicycle_model) for _ in range(5))
    part = names[0].rsplit("-", 1)[0]
    pages = sagemaker.client.get_paginator("list_endpoint_configs").paginate(
        NameContains=part.upper(), SortBy="Name", PaginationConfig={"PageSize": 2}
    )
    listed = [[each["EndpointConfigName"] for each in page["EndpointConfigs"]] for page in pages]
    assert all(len(page) == 2 for page in listed[:-1])
    found = [name for page in listed for name in page]
    assert found == sorted(found, reverse=True)
    assert set(names) <= set(found)
    assert not sagemaker.client.list_endpoint_configs(NameContains="none")["EndpointConfigs"]


def test_a_caller_needs_the_action_on_the_resource(session, sagemaker, endpoint):
    arn = sagemaker.client.describe_endpoint(EndpointName=endpoint)["EndpointArn"]
    actions = ("sagemaker:InvokeEndpoint", "sagemaker:DescribeEndpoint")
    allowed = sagemaker.workshop.user(*((action, arn) for action in actions))
    request = {"EndpointName": endpoint, "ContentType": "text/plain", "Body": b""}
    runtime = allowed.client("sagemaker-runtime")
    with pytest.raises(runtime.exceptions.ModelError):  # let through, to the container
        runtime.invoke_endpoint(**request)
    described = allowed.client("sagemaker").describe_endpoint(EndpointName=endpoint)
    assert described["EndpointArn"] == arn
    other = sagemaker.workshop.user(*((action, f"{arn}-other") for action in actions))
    for denied in (
        lambda: other.client("sagemaker-runtime").invoke_endpoint(**request),
        lambda: other.client("sagemaker").describe_endpoint(EndpointName=endpoint),
        lambda: other.client("sagemaker").list_models(),
    ):
        with pytest.raises(ClientError) as raised:
            denied()
        assert raised.value.response["Error"]["Code"] == "AccessDeniedException"


def test_a_role_must_be_passed(session, sagemaker):
    create = ("sagemaker:CreateTrainingJob", "*")
    theirs = copy.copy(sagemaker)
    theirs.client = sagemaker.workshop.user(create).client("sagemaker")
    with pytest.raises(ClientError, match="not authorized to perform: iam:PassRole"):
        theirs.job("true")
    theirs.client = sagemaker.workshop.user(create, ("iam:PassRole", sagemaker.role)).client(
        "sagemaker"
    )
    job = theirs.job("true")
    assert sagemaker.ended(job)["TrainingJobStatus"] == "Completed"
