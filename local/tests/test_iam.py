"""Roles that a service may not assume, boundaries, and who learns that an object is missing."""

import json

import pytest
from botocore.exceptions import ClientError

from local.tests.conftest import ACCOUNT, TLS_ONLY, allow, document, single

STRANGER = "111122223333"  # another account
PASS = json.dumps(single({"Type": "Succeed"}, QueryLanguage="JSONata"))
CALL = """
    import boto3
    def handler(event, context):
        try:
            answer = getattr(boto3.client("s3"), event.pop("call", "get_object"))(**event)
            return answer["Body"].read().decode() if "Body" in answer else "allowed"
        except Exception as error:
            return error.response["Error"]["Code"]
"""
LINE_BREAKS = ("a\nb.png", "a\rb.png", "a\u2028b.png", "a.png\n")


def test_lambda_assumes_a_role_for_its_own_account_alone(workshop):
    refusal = "InvalidParameterValueException.*cannot be assumed by Lambda"
    role = workshop.role("lambda.amazonaws.com", account=STRANGER)
    with pytest.raises(ClientError, match=refusal):
        workshop.function(CALL, Role=role)
    function = workshop.function(CALL)
    with pytest.raises(ClientError, match=refusal):
        workshop.functions.update_function_configuration(FunctionName=function, Role=role)


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
    workshop, service, kind, properties, role
):
    strangers = workshop.role(f"{service}.amazonaws.com", account=STRANGER)
    resource = {"Type": kind, "Properties": {**properties, role: strangers}}
    status, reasons = workshop.deploy(workshop.name(), {"Resource": resource})
    assert status == "ROLLBACK_COMPLETE"
    assert "assume" in reasons


@pytest.fixture
def bucket(session, workshop):
    """A bucket with an object `photo`."""
    s3, name = session.client("s3"), workshop.name()
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="photo", Body=b"pixels")
    return name


def test_the_boundary_of_a_templates_role_limits_it(session, workshop, bucket):
    boundary = session.client("iam").create_policy(
        PolicyName=bucket, PolicyDocument=json.dumps(document(allow("logs:*", "*")))
    )["Policy"]["Arn"]
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    read = {"PolicyName": "read", "PolicyDocument": document(allow("s3:GetObject", "*"))}
    properties = {
        "RoleName": bucket,
        "AssumeRolePolicyDocument": document({**trust, "Action": "sts:AssumeRole"}),
        "Policies": [read],
    }
    limited = {
        "Type": "AWS::IAM::Role",
        "Properties": properties | {"PermissionsBoundary": boundary},
    }
    assert workshop.deploy(bucket, {"Role": limited})[0] == "CREATE_COMPLETE"
    function = workshop.function(CALL, Role=f"arn:aws:iam::{ACCOUNT}:role/{bucket}")
    photo = {"Bucket": bucket, "Key": "photo"}
    assert workshop.invoke(function, photo) == ("AccessDenied", False)
    role = {"Type": "AWS::IAM::Role", "Properties": properties}
    assert workshop.deploy(bucket, {"Role": role}, "update")[0] == "UPDATE_COMPLETE"
    assert workshop.invoke(function, photo) == ("pixels", False)


def test_a_denial_of_the_bucket_policy_holds_for_roles_and_all_requests_count_as_tls(
    session, workshop, bucket
):
    function = workshop.function(CALL, allowed=[("s3:GetObject", "*")])
    deny = {**allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"), "Effect": "Deny", "Principal": "*"}
    for statement, found in ((TLS_ONLY, "pixels"), (deny, "AccessDenied")):
        policy = json.dumps(document(statement))
        session.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)
        assert workshop.invoke(function, {"Bucket": bucket, "Key": "photo"}) == (found, False)


def test_only_who_may_list_a_key_learns_that_its_object_is_missing(session, workshop, bucket):
    role = workshop.role("lambda.amazonaws.com", ("s3:GetObject", f"arn:aws:s3:::{bucket}/*"))
    below = {"StringLike": {"s3:prefix": ["shown/*"]}}
    workshop.permit(role, allow("s3:ListBucket", f"arn:aws:s3:::{bucket}", Condition=below))
    reader = workshop.function(CALL, Role=role)
    there = "hidden//a b+é%.png"
    session.client("s3").put_object(Bucket=bucket, Key=there, Body=b"pixels")
    found = [
        workshop.invoke(reader, {"Bucket": bucket, "Key": key})[0]
        for key in ("shown/a b+é%", "hidden/a b+é%", there)
    ]
    assert found == ["NoSuchKey", "AccessDenied", "pixels"]


def test_wildcards_of_policies_match_line_breaks_in_keys(session, workshop, bucket):
    keys = [folder + key for folder in ("shown/", "hidden/", "denied/") for key in LINE_BREAKS]
    for key in (*keys, "exact.png", "exact.png\n"):
        session.client("s3").put_object(Bucket=bucket, Key=key, Body=b"pixels")
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
    workshop.permit(role, *statements)
    function = workshop.function(CALL, Role=role)

    def answer(call: str, **arguments: str) -> str:
        return workshop.invoke(function, {"call": call, "Bucket": bucket, **arguments})[0]

    for key in LINE_BREAKS:
        assert answer("get_object", Key=f"shown/{key}") == "pixels", key
        assert answer("head_object", Key=f"shown/{key}") == "allowed", key
        assert answer("get_object", Key=f"hidden/{key}") == "AccessDenied", key
        assert answer("get_object", Key=f"denied/{key}") == "AccessDenied", key
        assert answer("delete_object", Key=f"shown/{key}") == "AccessDenied", key
        listed = "allowed" if key.endswith("g") else "AccessDenied"
        assert answer("list_objects_v2", Prefix=f"shown/{key}") == listed, key
    assert answer("get_object", Key="exact.png") == "pixels"
    assert answer("get_object", Key="exact.png\n") == "AccessDenied"
