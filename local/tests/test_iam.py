"""Roles that a service may not assume, boundaries, and who learns that an object is missing."""

import json
from collections.abc import Callable

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
LINE_BREAKS = ("a\nb.png", "a\rb.png", "a\r\nb.png", "a\u2028b.png", "a\u0085b.png", "a.png\n")


def document(*statements: dict) -> dict:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: str, resource: str | list, **more: dict) -> dict:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def error_of(call: Callable, **arguments) -> str:
    """The error that the call is refused with, or nothing."""
    try:
        call(**arguments)
    except ClientError as error:
        return str(error)
    return ""


def test_lambda_assumes_a_role_for_its_own_account_alone(workshop):
    function = {
        "FunctionName": workshop.name(),
        "Runtime": "python3.13",
        "Handler": "app.handler",
        "Code": {"ZipFile": archive({"app.py": "def handler(event, context): return 1"})},
    }
    strangers, own = (
        workshop.role("lambda.amazonaws.com", account=account) for account in (STRANGER, ACCOUNT)
    )
    refused = error_of(workshop.functions.create_function, **function, Role=strangers)
    assert "InvalidParameterValueException" in refused
    assert "cannot be assumed by Lambda" in refused
    assert error_of(workshop.functions.create_function, **function, Role=own) == ""
    update = workshop.functions.update_function_configuration
    changed = error_of(update, FunctionName=function["FunctionName"], Role=strangers)
    assert "cannot be assumed by Lambda" in changed


def test_step_functions_assumes_a_role_for_its_own_account_alone(workshop):
    machine = {"name": workshop.name(), "definition": PASS}
    strangers, own = (
        workshop.role("states.amazonaws.com", account=account) for account in (STRANGER, ACCOUNT)
    )
    refused = error_of(workshop.states.create_state_machine, **machine, roleArn=strangers)
    assert "AccessDeniedException" in refused
    assert "authorized to assume the provided role" in refused
    made = workshop.states.create_state_machine(**machine, roleArn=own)
    arn = made["stateMachineArn"]
    update = workshop.states.update_state_machine
    assert "AccessDenied" in error_of(update, stateMachineArn=arn, roleArn=strangers)


def test_a_template_cannot_give_lambda_a_role_of_another_account(session, workshop):
    properties = {
        "Code": {"ZipFile": "def handler(event, context): return 1"},
        "Handler": "index.handler",
        "Runtime": "python3.13",
        "Role": workshop.role("lambda.amazonaws.com", account=STRANGER),
    }
    function = {"Type": "AWS::Lambda::Function", "Properties": properties}
    reasons = reasons_of_rollback(session, workshop.name(), function)
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
            "AssumeRolePolicyDocument": document(
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ),
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
