"""Roles that a service may not assume, boundaries, and who learns that an object is missing."""

import json

import pytest
from botocore.exceptions import ClientError

from local.tests.conftest import ACCOUNT, archive, reasons_of_rollback, single, until

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
CALL = """
    import boto3
    def handler(event, context):
        try:
            getattr(boto3.client("s3"), event.pop("call"))(**event)
            return "allowed"
        except Exception as error:
            return error.response["Error"]["Code"]
"""
LINE_BREAKS = ("a\nb.png", "a\rb.png", "a\u2028b.png", "a.png\n")


def document(*statements: dict) -> dict:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: str, resource: str | list, **more: dict) -> dict:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def test_lambda_assumes_a_role_for_its_own_account_alone(workshop):
    function = {
        "FunctionName": workshop.name(),
        "Runtime": "python3.13",
        "Handler": "app.handler",
        "Code": {"ZipFile": archive({"app.py": "def handler(event, context): return 1"})},
    }
    refusal = "InvalidParameterValueException.*cannot be assumed by Lambda"
    role = workshop.role("lambda.amazonaws.com", account=STRANGER)
    with pytest.raises(ClientError, match=refusal):
        workshop.functions.create_function(**function, Role=role)
    with pytest.raises(ClientError, match=refusal):
        workshop.functions.update_function_configuration(
            FunctionName=workshop.function("def handler(event, context): return 1"), Role=role
        )


def test_step_functions_assumes_a_role_for_its_own_account_alone(workshop):
    role = workshop.role("states.amazonaws.com", account=STRANGER)
    refusal = "AccessDeniedException.*authorized to assume the provided role"
    with pytest.raises(ClientError, match=refusal):
        workshop.states.create_state_machine(name=workshop.name(), definition=PASS, roleArn=role)
    machine = workshop.machine(single({"Type": "Succeed"}))
    with pytest.raises(ClientError, match=refusal):
        workshop.states.update_state_machine(stateMachineArn=machine, roleArn=role)


FUNCTION = {
    "Code": {"ZipFile": "def handler(event, context): return 1"},
    "Handler": "index.handler",
    "Runtime": "python3.13",
}


@pytest.mark.parametrize(
    ("service", "kind", "properties", "role"),
    [
        ("lambda", "AWS::Lambda::Function", FUNCTION, "Role"),
        ("states", "AWS::StepFunctions::StateMachine", {"DefinitionString": PASS}, "RoleArn"),
    ],
)
def test_a_template_cannot_give_a_role_of_another_account(
    session, workshop, service, kind, properties, role
):
    strangers = workshop.role(f"{service}.amazonaws.com", account=STRANGER)
    resource = {"Type": kind, "Properties": {**properties, role: strangers}}
    reasons = reasons_of_rollback(session, workshop.name(), resource)
    assert any("assume" in reason for reason in reasons)


def test_the_boundary_of_a_templates_role_limits_it(session, workshop):
    formation, s3, name = session.client("cloudformation"), session.client("s3"), workshop.name()
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="photo", Body=b"pixels")
    boundary = session.client("iam").create_policy(
        PolicyName=name, PolicyDocument=json.dumps(document(allow("logs:*", "*")))
    )["Policy"]["Arn"]
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    read = {"PolicyName": "read", "PolicyDocument": document(allow("s3:GetObject", "*"))}
    role = {
        "AssumeRolePolicyDocument": document({**trust, "Action": "sts:AssumeRole"}),
        "Policies": [read],
    }

    def deploy(change, **properties: str) -> None:
        resource = {"Type": "AWS::IAM::Role", "Properties": {**role, **properties}}
        change(
            StackName=name,
            TemplateBody=json.dumps({"Resources": {"Role": resource}}),
            Capabilities=["CAPABILITY_IAM"],
        )
        until(
            lambda: formation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"],
            lambda status: status.endswith("COMPLETE"),
        )

    deploy(formation.create_stack, PermissionsBoundary=boundary)
    [created] = formation.list_stack_resources(StackName=name)["StackResourceSummaries"]
    arn = f"arn:aws:iam::{ACCOUNT}:role/{created['PhysicalResourceId']}"
    function = workshop.function(READ, Role=arn)
    assert workshop.invoke(function, {"Bucket": name, "Key": "photo"}) == ("AccessDenied", False)
    deploy(formation.update_stack)
    assert workshop.invoke(function, {"Bucket": name, "Key": "photo"}) == ("pixels", False)


def test_only_who_may_list_a_key_learns_that_its_object_is_missing(session, workshop):
    bucket = workshop.name()
    session.client("s3").create_bucket(Bucket=bucket)
    role = workshop.role("lambda.amazonaws.com", ("s3:GetObject", f"arn:aws:s3:::{bucket}/*"))
    below = {"StringLike": {"s3:prefix": ["shown/*"]}}
    listing = allow("s3:ListBucket", f"arn:aws:s3:::{bucket}", Condition=below)
    workshop.iam.put_role_policy(
        RoleName=role.rsplit("/", 1)[-1],
        PolicyName="list",
        PolicyDocument=json.dumps(document(listing)),
    )
    reader = workshop.function(READ, Role=role)
    there = "hidden//a b+é%.png"
    session.client("s3").put_object(Bucket=bucket, Key=there, Body=b"pixels")
    found = {
        key: workshop.invoke(reader, {"Bucket": bucket, "Key": key})[0]
        for key in ("shown/a b+é%", "hidden/a b+é%", there)
    }
    assert list(found.values()) == ["NoSuchKey", "AccessDenied", "pixels"]


def test_wildcards_of_policies_match_line_breaks_in_keys(session, workshop):
    s3, bucket = session.client("s3"), workshop.name()
    s3.create_bucket(Bucket=bucket)
    keys = [folder + key for folder in ("shown/", "hidden/", "denied/") for key in LINE_BREAKS]
    for key in (*keys, "exact.png", "exact.png\n"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"pixels")
    objects = f"arn:aws:s3:::{bucket}"
    below = {"StringLike": {"s3:prefix": "shown/?*g"}}
    statements = (
        allow("s3:GetObject", [f"{objects}/shown/*", f"{objects}/denied/*"]),
        allow("s3:GetObject", f"{objects}/exact.png"),
        allow("s3:ListBucket", objects, Condition=below),
        {**allow("s3:Get*", f"{objects}/denied/*"), "Effect": "Deny"},
        {"Effect": "Allow", "Action": "s3:DeleteObject", "NotResource": f"{objects}/shown/*"},
    )
    role = workshop.role("lambda.amazonaws.com")
    workshop.iam.put_role_policy(
        RoleName=role.rsplit("/", 1)[-1],
        PolicyName="keys",
        PolicyDocument=json.dumps(document(*statements)),
    )
    function = workshop.function(CALL, Role=role)

    def answer(call: str, **arguments: str) -> str:
        return workshop.invoke(function, {"call": call, "Bucket": bucket, **arguments})[0]

    for key in LINE_BREAKS:
        assert answer("get_object", Key=f"shown/{key}") == "allowed", key
        assert answer("head_object", Key=f"shown/{key}") == "allowed", key
        assert answer("get_object", Key=f"hidden/{key}") == "AccessDenied", key
        assert answer("get_object", Key=f"denied/{key}") == "AccessDenied", key
        assert answer("delete_object", Key=f"shown/{key}") == "AccessDenied", key
        listed = "allowed" if key.endswith("g") else "AccessDenied"
        assert answer("list_objects_v2", Prefix=f"shown/{key}") == listed, key
    assert answer("get_object", Key="exact.png") == "allowed"
    assert answer("get_object", Key="exact.png\n") == "AccessDenied"
