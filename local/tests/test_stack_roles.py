"""A stack's role: who may give it, and what CloudFormation may do as it."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError

from local.tests.conftest import ACCOUNT, until
from local.tests.sagemaker.test_requests import user

SERVICE = "cloudformation.amazonaws.com"


def log_group(name: str, **properties: object) -> str:
    """A template with one log group."""
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name, **properties}}
    return json.dumps({"Resources": {"Group": group}})


def settle(formation, name: str) -> str:
    """The stack's status, once nothing goes on."""
    return until(
        lambda: formation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"],
        lambda status: not status.endswith("IN_PROGRESS"),
    )


def reasons(formation, name: str) -> str:
    events = formation.describe_stack_events(StackName=name)["StackEvents"]
    return " ".join(event.get("ResourceStatusReason", "") for event in events)


def group_actions(workshop, name: str, *actions: str) -> str:
    """A role with these actions on the log group."""
    arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{name}"
    return workshop.role(SERVICE, *((f"logs:{action}", arn) for action in actions))


CREATE = ("CreateLogGroup", "PutRetentionPolicy", "TagResource")
UPDATE = ("DeleteRetentionPolicy", "ListTagsForResource", "UntagResource")


def test_a_stack_is_made_as_its_role_then_and_later(session, workshop):
    formation, name = session.client("cloudformation"), workshop.name()
    role = group_actions(workshop, name, *CREATE)
    formation.create_stack(StackName=name, TemplateBody=log_group(name), RoleARN=role)
    assert settle(formation, name) == "CREATE_COMPLETE"
    # Whoever updates the stack now names no role.
    changed = log_group(name, RetentionInDays=7)
    formation.update_stack(StackName=name, TemplateBody=changed)
    assert settle(formation, name).startswith("UPDATE_ROLLBACK")
    denied = f"assumed-role/{role.rpartition('/')[2]}/AWSCloudFormation is not authorized"
    assert denied in reasons(formation, name)
    better = group_actions(workshop, name, *CREATE, *UPDATE)
    formation.update_stack(StackName=name, TemplateBody=changed, RoleARN=better)
    assert settle(formation, name) == "UPDATE_COMPLETE"
    [group] = session.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert group["retentionInDays"] == 7


def test_a_resource_that_the_role_may_not_make_fails(session, workshop):
    formation, name = session.client("cloudformation"), workshop.name()
    role = group_actions(workshop, f"{name}-other", *CREATE)
    formation.create_stack(StackName=name, TemplateBody=log_group(name), RoleARN=role)
    assert settle(formation, name) == "ROLLBACK_COMPLETE"
    assert "not authorized to perform: logs:CreateLogGroup on resource" in reasons(formation, name)


def test_a_stack_without_a_role_is_made_as_before(session, workshop):
    formation, name = session.client("cloudformation"), workshop.name()
    formation.create_stack(StackName=name, TemplateBody=log_group(name))
    assert settle(formation, name) == "CREATE_COMPLETE"


def test_a_role_must_be_passed_to_cloudformation(session, workshop):
    name = workshop.name()
    role = group_actions(workshop, name, *CREATE)
    create = ("cloudformation:CreateStack", "*")
    request = {"StackName": name, "TemplateBody": log_group(name), "RoleARN": role}
    with pytest.raises(ClientError, match="not authorized to perform: iam:PassRole"):
        formation_of(user(session, create)).create_stack(**request)
    formation_of(user(session, create, ("iam:PassRole", role))).create_stack(**request)
    assert settle(session.client("cloudformation"), name) == "CREATE_COMPLETE"


def formation_of(caller: boto3.Session):
    return caller.client("cloudformation")


def test_a_role_that_does_not_trust_cloudformation_is_refused(session, workshop):
    name = workshop.name()
    for role in (workshop.role("lambda.amazonaws.com"), f"arn:aws:iam::{ACCOUNT}:role/nobody"):
        with pytest.raises(ClientError, match="is invalid or cannot be assumed"):
            session.client("cloudformation").create_stack(
                StackName=name, TemplateBody=log_group(name), RoleARN=role
            )


def test_a_role_must_be_passed_on_to_the_service_that_gets_it(session, workshop):
    formation, name = session.client("cloudformation"), workshop.name()
    functions_role = workshop.role("lambda.amazonaws.com")
    function = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"
    role = workshop.role(SERVICE, ("lambda:*", function))
    properties = {
        "FunctionName": name,
        "Code": {"ZipFile": "def handler(event, context): return 1"},
        "Handler": "index.handler",
        "Runtime": "python3.13",
        "Role": functions_role,
    }
    template = {"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": properties}}}
    body = json.dumps(template)
    formation.create_stack(StackName=name, TemplateBody=body, RoleARN=role)
    assert settle(formation, name) == "ROLLBACK_COMPLETE"
    assert f"iam:PassRole on resource: {functions_role}" in reasons(formation, name)


def test_a_type_whose_actions_are_not_known_is_refused(session, workshop):
    formation, name = session.client("cloudformation"), workshop.name()
    role = workshop.role(SERVICE, ("*", "*"))
    queue = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})
    formation.create_stack(StackName=name, TemplateBody=queue, RoleARN=role)
    assert settle(formation, name) == "ROLLBACK_COMPLETE"
    assert "does not know which actions AWS::SQS::Queue takes" in reasons(formation, name)
