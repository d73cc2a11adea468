"""A stack's role: who may give it, and what CloudFormation may do as it."""

import json

import pytest
from botocore.exceptions import ClientError

from local.tests.conftest import ACCOUNT

SERVICE = "cloudformation.amazonaws.com"
CREATE = ("CreateLogGroup", "PutRetentionPolicy", "TagResource")
UPDATE = ("DeleteRetentionPolicy", "ListTagsForResource", "UntagResource")


def log_group(name: str, **properties: object) -> dict:
    """The resources of a stack with one log group."""
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name, **properties}}
    return {"Group": group}


def group_actions(workshop, name: str, *actions: str) -> str:
    """A role with these actions on the log group."""
    arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{name}"
    return workshop.role(SERVICE, *((f"logs:{action}", arn) for action in actions))


def test_a_stack_is_made_as_its_role_then_and_later(session, workshop):
    name = workshop.name()
    role = group_actions(workshop, name, *CREATE)
    assert workshop.deploy(name, log_group(name), RoleARN=role)[0] == "CREATE_COMPLETE"
    # Whoever updates the stack now names no role.
    changed = log_group(name, RetentionInDays=7)
    status, reasons = workshop.deploy(name, changed, "update")
    assert status.startswith("UPDATE_ROLLBACK")
    denied = f"assumed-role/{role.rpartition('/')[2]}/AWSCloudFormation is not authorized"
    assert denied in reasons
    better = group_actions(workshop, name, *CREATE, *UPDATE)
    assert workshop.deploy(name, changed, "update", RoleARN=better)[0] == "UPDATE_COMPLETE"
    [group] = session.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert group["retentionInDays"] == 7


def test_a_resource_that_the_role_may_not_make_fails(workshop):
    name = workshop.name()
    role = group_actions(workshop, f"{name}-other", *CREATE)
    status, reasons = workshop.deploy(name, log_group(name), RoleARN=role)
    assert status == "ROLLBACK_COMPLETE"
    assert "not authorized to perform: logs:CreateLogGroup on resource" in reasons


def test_a_role_must_be_passed_to_cloudformation(workshop):
    name = workshop.name()
    role = group_actions(workshop, name, *CREATE)
    create = ("cloudformation:CreateStack", "*")
    template = json.dumps({"Resources": log_group(name)})
    request = {"StackName": name, "TemplateBody": template, "RoleARN": role}
    with pytest.raises(ClientError, match="not authorized to perform: iam:PassRole"):
        workshop.user(create).client("cloudformation").create_stack(**request)
    may = workshop.user(create, ("iam:PassRole", role)).client("cloudformation")
    assert may.create_stack(**request)["StackId"]


def test_a_role_that_does_not_trust_cloudformation_is_refused(workshop):
    name = workshop.name()
    for role in (workshop.role("lambda.amazonaws.com"), f"arn:aws:iam::{ACCOUNT}:role/nobody"):
        with pytest.raises(ClientError, match="is invalid or cannot be assumed"):
            workshop.deploy(name, log_group(name), RoleARN=role)


def test_a_role_must_be_passed_on_to_the_service_that_gets_it(workshop):
    name, functions_role = workshop.name(), workshop.role("lambda.amazonaws.com")
    function = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"
    role = workshop.role(SERVICE, ("lambda:*", function))
    properties = {
        "FunctionName": name,
        "Code": {"ZipFile": "def handler(event, context): return 1"},
        "Handler": "index.handler",
        "Runtime": "python3.13",
        "Role": functions_role,
    }
    resources = {"F": {"Type": "AWS::Lambda::Function", "Properties": properties}}
    status, reasons = workshop.deploy(name, resources, RoleARN=role)
    assert status == "ROLLBACK_COMPLETE"
    assert f"iam:PassRole on resource: {functions_role}" in reasons


def test_a_type_whose_actions_are_not_known_is_refused(workshop):
    role = workshop.role(SERVICE, ("*", "*"))
    resources = {"Queue": {"Type": "AWS::SQS::Queue"}}
    status, reasons = workshop.deploy(workshop.name(), resources, RoleARN=role)
    assert status == "ROLLBACK_COMPLETE"
    assert "does not know which actions AWS::SQS::Queue takes" in reasons
