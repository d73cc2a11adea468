"""What a stack leaves behind."""

import json

import pytest
from botocore.exceptions import ClientError

from local.tests.conftest import ACCOUNT, TLS_ONLY, document

KEPT = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}


def bucket(name: str) -> dict:
    return {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}, **KEPT}


def test_deleting_the_stack_keeps_the_bucket_with_its_policy_and_nothing_else(session, workshop):
    s3, name = session.client("s3"), workshop.name()
    policy = {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": document(TLS_ONLY)}
    resources = {
        "Bucket": bucket(name),
        "Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": policy, **KEPT},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}},
    }
    assert workshop.deploy(name, resources)[0] == "CREATE_COMPLETE"
    s3.put_object(Bucket=name, Key="kept", Body=b"photo")
    workshop.formation.delete_stack(StackName=name)
    waiter = workshop.formation.get_waiter("stack_delete_complete")
    waiter.wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    assert s3.get_object(Bucket=name, Key="kept")["Body"].read() == b"photo"
    kept = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])
    assert kept["Statement"][0]["Condition"] == TLS_ONLY["Condition"]
    topics = session.client("sns").list_topics()["Topics"]
    assert not [topic for topic in topics if topic["TopicArn"].endswith(f":{name}")]


def test_a_bucket_that_is_kept_except_on_create_goes_when_the_stacks_creation_fails(
    session, workshop
):
    """docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html"""
    name = workshop.name()
    properties = {
        "Code": {"ZipFile": "def handler(event, context): return 1"},
        "Handler": "index.handler",
        "Runtime": "python3.13",
        "Role": f"arn:aws:iam::{ACCOUNT}:role/nobody",
    }
    impossible = {"Type": "AWS::Lambda::Function", "Properties": properties, "DependsOn": ["Kept"]}
    status, _ = workshop.deploy(name, {"Kept": bucket(name), "Impossible": impossible})
    assert status == "ROLLBACK_COMPLETE"
    with pytest.raises(ClientError, match="404"):
        session.client("s3").head_bucket(Bucket=name)
