"""What a stack leaves behind, what its policies deny, and whom it notifies."""

import json

import pytest
from botocore.exceptions import ClientError

from local.tests.conftest import ACCOUNT, single, until


def _document(*statements: dict) -> dict:
    return {"Version": "2012-10-17", "Statement": list(statements)}


TLS_ONLY = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": {"Fn::Sub": "${Bucket.Arn}/*"},
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
PUBLISH = {
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": "sns:Publish",
    "Resource": {"Ref": "Topic"},
}
ASSUME = {
    "Effect": "Allow",
    "Principal": {"Service": "states.amazonaws.com"},
    "Action": "sts:AssumeRole",
}
KEPT = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
FAILURE = {
    "source": ["aws.states"],
    "detail": {"status": ["FAILED"], "stateMachineArn": [{"Ref": "Machine"}]},
}
RESOURCES = {
    "Bucket": {"Type": "AWS::S3::Bucket", **KEPT},
    "BucketPolicy": {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": _document(TLS_ONLY)},
        **KEPT,
    },
    "Topic": {"Type": "AWS::SNS::Topic"},
    "TopicPolicy": {
        "Type": "AWS::SNS::TopicPolicy",
        "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": _document(PUBLISH)},
    },
    "Role": {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": _document(ASSUME)},
    },
    "Machine": {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
            "DefinitionString": json.dumps(single({"Type": "Fail", "Error": "Bad"})),
        },
    },
    "Failure": {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventPattern": FAILURE,
            "Targets": [{"Id": "publish", "Arn": {"Ref": "Topic"}}],
        },
    },
}
OUTPUTS = {name: {"Value": {"Ref": name}} for name in ("Bucket", "Topic", "Machine")}


@pytest.fixture(scope="module")
def stack(session, workshop):
    """A deployed stack: its name and outputs."""
    formation, name = session.client("cloudformation"), workshop.name()
    formation.create_stack(
        StackName=name,
        TemplateBody=json.dumps({"Resources": RESOURCES, "Outputs": OUTPUTS}),
        Capabilities=["CAPABILITY_IAM"],
    )
    described = _settle(formation, name)
    assert described["StackStatus"] == "CREATE_COMPLETE"
    return name, {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


def _settle(formation, name: str) -> dict:
    return until(
        lambda: formation.describe_stacks(StackName=name)["Stacks"][0],
        lambda stack: not stack["StackStatus"].endswith("IN_PROGRESS"),
    )


def test_a_failed_execution_is_published(stack, session, workshop):
    _, outputs = stack
    sns, sqs = session.client("sns"), session.client("sqs")
    name = workshop.name()
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
    deliver = {
        "Effect": "Allow",
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Principal": {"Service": "sns.amazonaws.com"},
    }
    queue = sqs.create_queue(QueueName=name, Attributes={"Policy": json.dumps(_document(deliver))})[
        "QueueUrl"
    ]
    sns.subscribe(TopicArn=outputs["Topic"], Protocol="sqs", Endpoint=arn)
    started = workshop.states.start_execution(stateMachineArn=outputs["Machine"])
    assert workshop.wait(started)["status"] == "FAILED"
    messages = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"]
    event = json.loads(json.loads(messages[0]["Body"])["Message"])
    assert event["detail"]["executionArn"] == started["executionArn"]
    assert event["detail"]["status"] == "FAILED"


READ = """
    import boto3
    def handler(event, context):
        return boto3.client("s3").get_object(**event)["Body"].read().decode()
"""


def test_a_bucket_that_takes_tls_only_can_be_read(stack, session, workshop):
    """The loopback interface counts as TLS: nothing that it carries leaves the machine."""
    _, outputs = stack
    session.client("s3").put_object(Bucket=outputs["Bucket"], Key="photo", Body=b"pixels")
    arn = f"arn:aws:s3:::{outputs['Bucket']}/*"
    function = workshop.function(READ, allowed=[("s3:GetObject", arn)])
    event = {"Bucket": outputs["Bucket"], "Key": "photo"}
    assert workshop.invoke(function, event) == ("pixels", False)


def test_a_denial_of_the_bucket_policy_holds_for_roles(session, workshop):
    s3, bucket = session.client("s3"), workshop.name()
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="photo", Body=b"pixels")
    arn = f"arn:aws:s3:::{bucket}/*"
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": arn}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(_document(deny)))
    function = workshop.function(READ, allowed=[("s3:GetObject", arn)])
    body, failed = workshop.invoke(function, {"Bucket": bucket, "Key": "photo"})
    assert failed
    assert "AccessDenied" in body["errorMessage"]


def test_deleting_the_stack_keeps_the_bucket_with_its_policy_and_nothing_else(
    stack, session, workshop
):
    name, outputs = stack
    formation, s3 = session.client("cloudformation"), session.client("s3")
    s3.put_object(Bucket=outputs["Bucket"], Key="kept", Body=b"photo")
    formation.delete_stack(StackName=name)
    waiter = formation.get_waiter("stack_delete_complete")
    waiter.wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    assert s3.get_object(Bucket=outputs["Bucket"], Key="kept")["Body"].read() == b"photo"
    policy = json.loads(s3.get_bucket_policy(Bucket=outputs["Bucket"])["Policy"])
    assert policy["Statement"][0]["Condition"] == TLS_ONLY["Condition"]
    with pytest.raises(ClientError, match="StateMachineDoesNotExist"):
        workshop.states.describe_state_machine(stateMachineArn=outputs["Machine"])


IMPOSSIBLE = {
    "Type": "AWS::Lambda::Function",
    "DependsOn": ["Kept"],
    "Properties": {
        "Code": {"ZipFile": "def handler(event, context): return 1"},
        "Handler": "index.handler",
        "Runtime": "python3.13",
        "Role": f"arn:aws:iam::{ACCOUNT}:role/nobody",
    },
}


def test_a_bucket_that_is_kept_except_on_create_goes_when_the_stacks_creation_fails(
    session, workshop
):
    """docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html"""
    formation, name = session.client("cloudformation"), workshop.name()
    bucket = {**RESOURCES["Bucket"], "Properties": {"BucketName": name}}
    template = {"Resources": {"Kept": bucket, "Impossible": IMPOSSIBLE}}
    formation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    assert _settle(formation, name)["StackStatus"] == "ROLLBACK_COMPLETE"
    with pytest.raises(ClientError, match="404"):
        session.client("s3").head_bucket(Bucket=name)
