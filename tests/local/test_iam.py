"""Roles that a service may not assume, boundaries, and who learns that an object is missing."""

import json
import time
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import ACCOUNT, archive, single, until

STRANGER = "111122223333"  # another account
PASS = json.dumps(single({"Type": "Succeed"}, QueryLanguage="JSONata"))
READ = """
    import boto3
    def handler(event, context):
        try:
            return boto3.client("s3").get_object(**event)["Body"].read().decode()
        except Exception as error:
            return error.response["Error"]["Code"]
"""


def document(*statements: dict) -> dict:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: str, resource: str, **more: dict) -> dict:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def trust(service: str, account: str) -> dict:
    """The trust policy of a role that a service may assume on behalf of the account."""
    return document(
        {
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        }
    )


def error_of(call: Callable, **arguments) -> str:
    """The error that the call is refused with, or nothing."""
    try:
        call(**arguments)
    except ClientError as error:
        return str(error)
    return ""


@pytest.fixture
def role_for(session, workshop) -> Callable[..., str]:
    """Makes a role that a service may assume for an account; its ARN."""
    iam = session.client("iam")

    def make(service: str, account: str, *allowed: dict) -> str:
        name = workshop.name()
        policy = json.dumps(trust(service, account))
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy)["Role"]["Arn"]
        if allowed:
            iam.put_role_policy(
                RoleName=name, PolicyName="allow", PolicyDocument=json.dumps(document(*allowed))
            )
        return arn

    return make


def test_lambda_assumes_a_role_for_its_own_account_alone(workshop, role_for):
    function = {
        "FunctionName": workshop.name(),
        "Runtime": "python3.13",
        "Handler": "app.handler",
        "Code": {"ZipFile": archive({"app.py": "def handler(event, context): return 1"})},
    }
    strangers, own = role_for("lambda", STRANGER), role_for("lambda", ACCOUNT)
    refused = error_of(workshop.functions.create_function, **function, Role=strangers)
    assert "InvalidParameterValueException" in refused
    assert "cannot be assumed by Lambda" in refused
    assert error_of(workshop.functions.create_function, **function, Role=own) == ""
    update = workshop.functions.update_function_configuration
    changed = error_of(update, FunctionName=function["FunctionName"], Role=strangers)
    assert "cannot be assumed by Lambda" in changed


def test_step_functions_assumes_a_role_for_its_own_account_alone(workshop, role_for):
    machine = {"name": workshop.name(), "definition": PASS}
    strangers, own = role_for("states", STRANGER), role_for("states", ACCOUNT)
    refused = error_of(workshop.states.create_state_machine, **machine, roleArn=strangers)
    assert "AccessDeniedException" in refused
    assert "authorized to assume the provided role" in refused
    made = workshop.states.create_state_machine(**machine, roleArn=own)
    arn = made["stateMachineArn"]
    update = workshop.states.update_state_machine
    assert "AccessDenied" in error_of(update, stateMachineArn=arn, roleArn=strangers)


@pytest.mark.parametrize(("account", "refused"), [(ACCOUNT, False), (STRANGER, True)])
def test_sagemaker_assumes_a_role_for_its_own_account_alone(session, role_for, account, refused):
    error = error_of(
        session.client("sagemaker").create_training_job,
        TrainingJobName=f"trust-{account}",
        RoleArn=role_for("sagemaker", account),
        AlgorithmSpecification={
            "TrainingImage": f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/pytorch:2.13-cpu",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["/bin/true"],
        },
        OutputDataConfig={"S3OutputPath": "s3://nowhere/training"},
        ResourceConfig={
            "InstanceType": "ml.m5.large",
            "InstanceCount": 1,
            "VolumeSizeInGB": 1,
        },
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )
    assert ("Could not assume role" in error) == refused


def test_eventbridge_starts_a_machine_only_with_a_role_of_its_account_that_may(
    session, workshop, role_for
):
    events, machine = session.client("events"), workshop.machine(single({"Type": "Succeed"}))
    may = allow("states:StartExecution", machine)
    roles = {
        "stranger": role_for("events", STRANGER, may),
        "powerless": role_for("events", ACCOUNT),
        "good": role_for("events", ACCOUNT, may),
    }
    source = workshop.name()
    for name, role in roles.items():
        rule = f"{source}-{name}"
        pattern = {"source": [source], "detail-type": [name]}
        events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=rule, Targets=[{"Id": "start", "Arn": machine, "RoleArn": role}])
    for name in roles:  # the good one last: by then the others would have arrived
        events.put_events(Entries=[{"Source": source, "DetailType": name, "Detail": "{}"}])

    def started() -> list[str]:
        listed = workshop.states.list_executions(stateMachineArn=machine)["executions"]
        inputs = [
            workshop.states.describe_execution(executionArn=e["executionArn"]) for e in listed
        ]
        return [json.loads(each["input"])["detail-type"] for each in inputs]

    until(started, bool)
    time.sleep(0.2)
    assert started() == ["good"]


def test_a_template_cannot_give_lambda_a_role_of_another_account(session, workshop, role_for):
    formation, name = session.client("cloudformation"), workshop.name()
    properties = {
        "Code": {"ZipFile": "def handler(event, context): return 1"},
        "Handler": "index.handler",
        "Runtime": "python3.13",
        "Role": role_for("lambda", STRANGER),
    }
    template = {"Resources": {"Function": {"Type": "AWS::Lambda::Function"}}}
    template["Resources"]["Function"]["Properties"] = properties
    formation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    until(
        lambda: formation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"],
        lambda status: status == "ROLLBACK_COMPLETE",
    )
    reasons = [
        event.get("ResourceStatusReason", "")
        for event in formation.describe_stack_events(StackName=name)["StackEvents"]
    ]
    assert any("cannot be assumed by Lambda" in reason for reason in reasons)


def test_the_boundary_of_a_templates_role_limits_it(session, workshop):
    formation, s3, name = session.client("cloudformation"), session.client("s3"), workshop.name()
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="photo", Body=b"pixels")
    boundary = session.client("iam").create_policy(
        PolicyName=name, PolicyDocument=json.dumps(document(allow("logs:*", "*")))
    )["Policy"]["Arn"]
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": trust("lambda", ACCOUNT),
            "Policies": [
                {"PolicyName": "read", "PolicyDocument": document(allow("s3:GetObject", "*"))}
            ],
        },
    }

    def deploy(**properties: str) -> None:
        resource = {**role, "Properties": {**role["Properties"], **properties}}
        exists = name in [s["StackName"] for s in formation.list_stacks()["StackSummaries"]]
        (formation.update_stack if exists else formation.create_stack)(
            StackName=name,
            TemplateBody=json.dumps({"Resources": {"Role": resource}}),
            Capabilities=["CAPABILITY_IAM"],
        )
        until(
            lambda: formation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"],
            lambda status: status.endswith("COMPLETE"),
        )

    deploy(PermissionsBoundary=boundary)
    [made] = formation.list_stack_resources(StackName=name)["StackResourceSummaries"]
    arn = f"arn:aws:iam::{ACCOUNT}:role/{made['PhysicalResourceId']}"
    function = workshop.function(READ, Role=arn)
    assert workshop.invoke(function, {"Bucket": name, "Key": "photo"}) == ("AccessDenied", False)
    deploy()
    assert workshop.invoke(function, {"Bucket": name, "Key": "photo"}) == ("pixels", False)


def test_only_who_may_list_a_key_learns_that_its_object_is_missing(session, workshop, role_for):
    bucket = workshop.name()
    session.client("s3").create_bucket(Bucket=bucket)
    read = allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*")
    below = {"StringLike": {"s3:prefix": ["shown/*"]}}
    listing = allow("s3:ListBucket", f"arn:aws:s3:::{bucket}", Condition=below)
    reader = workshop.function(READ, Role=role_for("lambda", ACCOUNT, read, listing))
    found = {
        key: workshop.invoke(reader, {"Bucket": bucket, "Key": key})[0]
        for key in ("shown/absent", "hidden/absent")
    }
    assert found == {"shown/absent": "NoSuchKey", "hidden/absent": "AccessDenied"}
