"""The kinds of resource that this service has deploy, work together, and go again."""

import io
import json

import pytest
from botocore.exceptions import ClientError

from local.tests.conftest import ACCOUNT, archive, single, until

REGION = "us-east-1"
HANDLER = "import mine\ndef handler(event, context): return mine.who"
PRIVATE = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
ASSUME = {"Effect": "Allow", "Action": "sts:AssumeRole"}


def _role(service: str, *statements: dict) -> dict:
    policy = {"PolicyName": "allow", "PolicyDocument": _document(*statements)}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": _document({**ASSUME, "Principal": {"Service": service}}),
            "Policies": [policy] if statements else [],
        },
    }


def _document(*statements: dict) -> dict:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(action: str, resource: object) -> dict:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def _get(name: str) -> dict:
    return {"Fn::GetAtt": [name, "Arn"]}


def _template(code: dict, layer: dict) -> dict:
    call = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": "${function}", "Payload": {}},
        "Output": {
            "who": "{% $states.result.Payload %}",
            "key": "{% $states.input.detail.object.key %}",
        },
        "End": True,
    }
    tls = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": {"Fn::Sub": "${Bucket.Arn}/*"},
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    publish = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": {"Ref": "Topic"},
    }
    private = dict.fromkeys(PRIVATE, True)
    resources = {
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "DeletionPolicy": "RetainExceptOnCreate",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "PublicAccessBlockConfiguration": private,
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
                    ]
                },
                "LifecycleConfiguration": {
                    "Rules": [{"Prefix": "capture/", "Status": "Enabled", "ExpirationInDays": 30}]
                },
                "NotificationConfiguration": {
                    "EventBridgeConfiguration": {"EventBridgeEnabled": True}
                },
            },
        },
        "BucketPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            "DeletionPolicy": "RetainExceptOnCreate",
            "Properties": {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": _document(tls)},
        },
        "Topic": {"Type": "AWS::SNS::Topic"},
        "TopicPolicy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": _document(publish)},
        },
        "Repository": {
            "Type": "AWS::ECR::Repository",
            "Properties": {
                "RepositoryName": {"Fn::Sub": "${AWS::StackName}-serving"},
                "EmptyOnDelete": True,
            },
        },
        "FunctionRole": _role("lambda.amazonaws.com"),
        "Layer": {
            "Type": "AWS::Lambda::LayerVersion",
            "Properties": {"Content": layer, "CompatibleRuntimes": ["python3.13"]},
        },
        "FunctionLog": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {
                "LogGroupName": {"Fn::Sub": "/aws/lambda/${AWS::StackName}-function"},
                "RetentionInDays": 30,
            },
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "DependsOn": ["FunctionLog"],
            "Properties": {
                "FunctionName": {"Fn::Sub": "${AWS::StackName}-function"},
                "Code": code,
                "Handler": "app.handler",
                "Runtime": "python3.13",
                "Role": _get("FunctionRole"),
                "Layers": [{"Ref": "Layer"}],
                "TracingConfig": {"Mode": "Active"},
                "LoggingConfig": {"LogFormat": "JSON"},
            },
        },
        "FunctionVersion": {
            "Type": "AWS::Lambda::Version",
            "Properties": {"FunctionName": {"Ref": "Function"}},
        },
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "FunctionName": _get("Function"),
                "Action": "lambda:InvokeFunction",
                "Principal": "events.amazonaws.com",
            },
        },
        "MachineLog": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": {"Fn::Sub": "/aws/vendedlogs/${AWS::StackName}"}},
        },
        "MachineRole": _role(
            "states.amazonaws.com", _allow("lambda:InvokeFunction", _get("Function"))
        ),
        "Machine": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "StateMachineName": {"Fn::Sub": "${AWS::StackName}-machine"},
                "RoleArn": _get("MachineRole"),
                "DefinitionString": json.dumps({"QueryLanguage": "JSONata", **single(call)}),
                "DefinitionSubstitutions": {"function": _get("Function")},
                "LoggingConfiguration": {
                    "Level": "ERROR",
                    "Destinations": [
                        {"CloudWatchLogsLogGroup": {"LogGroupArn": _get("MachineLog")}}
                    ],
                },
                "TracingConfiguration": {"Enabled": True},
            },
        },
        "StartRole": _role(
            "events.amazonaws.com", _allow("states:StartExecution", {"Ref": "Machine"})
        ),
        "Arrival": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {
                    "source": ["aws.s3"],
                    "detail-type": ["Object Created"],
                    "detail": {
                        "bucket": {"name": [{"Ref": "Bucket"}]},
                        "object": {"key": [{"prefix": "incoming/"}]},
                    },
                },
                "Targets": [
                    {"Id": "start", "Arn": {"Ref": "Machine"}, "RoleArn": _get("StartRole")}
                ],
            },
        },
        "Failure": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {
                    "source": ["aws.states"],
                    "detail": {
                        "status": ["FAILED", "TIMED_OUT", "ABORTED"],
                        "stateMachineArn": [{"Ref": "Machine"}],
                    },
                },
                "Targets": [{"Id": "tell", "Arn": {"Ref": "Topic"}}],
            },
        },
    }
    outputs = {
        name: {"Value": {"Ref": name}} for name in ("Bucket", "Topic", "Machine", "Function")
    }
    outputs["Repository"] = {"Value": {"Fn::GetAtt": ["Repository", "RepositoryUri"]}}
    return {"Resources": resources, "Outputs": outputs}


@pytest.fixture(scope="module")
def stack(session, workshop):
    """A deployed stack: its name and outputs."""
    s3, formation = session.client("s3"), session.client("cloudformation")
    name, packages = workshop.name(), workshop.name()
    s3.create_bucket(Bucket=packages)
    files = {
        "code.zip": archive({"app.py": HANDLER}),
        "layer.zip": archive({"python/mine.py": "who = 'layer'"}),
    }
    for key, data in files.items():
        s3.put_object(Bucket=packages, Key=key, Body=data)
    template = _template(
        {"S3Bucket": packages, "S3Key": "code.zip"}, {"S3Bucket": packages, "S3Key": "layer.zip"}
    )
    formation.create_stack(
        StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"]
    )
    formation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    described = formation.describe_stacks(StackName=name)["Stacks"][0]
    return name, {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


def _executions(session, outputs: dict) -> list[dict]:
    return session.client("stepfunctions").list_executions(stateMachineArn=outputs["Machine"])[
        "executions"
    ]


def test_outputs_have_awss_shapes(stack):
    name, outputs = stack
    assert outputs["Topic"].startswith(f"arn:aws:sns:{REGION}:{ACCOUNT}:")
    assert outputs["Machine"] == f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}-machine"
    assert f"{ACCOUNT}.dkr.ecr.{REGION}" in outputs["Repository"]
    assert outputs["Repository"].endswith(f"/{name}-serving")


def test_an_object_below_the_prefix_starts_an_execution_and_no_other_does(stack, session, workshop):
    _, outputs = stack
    s3 = session.client("s3")
    for key in ("elsewhere/a.png", "incoming/a b+é%.png"):
        s3.put_object(Bucket=outputs["Bucket"], Key=key, Body=b"")
    started = until(lambda: _executions(session, outputs), bool)
    assert len(started) == 1
    execution = workshop.wait(started[0])
    # The code and the layer that the template names, and the key as it is.
    assert json.loads(execution["output"]) == {"who": "layer", "key": "incoming/a b+é%.png"}


def test_a_failed_execution_is_published(stack, session, workshop):
    _, outputs = stack
    sns, sqs = session.client("sns"), session.client("sqs")
    name = workshop.name()
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    deliver = {**_allow("sqs:SendMessage", arn), "Principal": {"Service": "sns.amazonaws.com"}}
    queue = sqs.create_queue(QueueName=name, Attributes={"Policy": json.dumps(_document(deliver))})[
        "QueueUrl"
    ]
    sns.subscribe(TopicArn=outputs["Topic"], Protocol="sqs", Endpoint=arn)
    started = workshop.states.start_execution(stateMachineArn=outputs["Machine"])
    assert workshop.wait(started)["status"] == "FAILED"  # its input has no key
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
    s3.put_object(Bucket=outputs["Bucket"], Key="kept", Body=io.BytesIO(b"photo"))
    formation.delete_stack(StackName=name)
    formation.get_waiter("stack_delete_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    assert s3.get_object(Bucket=outputs["Bucket"], Key="kept")["Body"].read() == b"photo"
    policy = json.loads(s3.get_bucket_policy(Bucket=outputs["Bucket"])["Policy"])
    assert policy["Statement"][0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    with pytest.raises(ClientError, match="ResourceNotFound"):
        session.client("lambda").get_function(FunctionName=outputs["Function"])
    with pytest.raises(ClientError, match="StateMachineDoesNotExist"):
        workshop.states.describe_state_machine(stateMachineArn=outputs["Machine"])
    with pytest.raises(ClientError, match="RepositoryNotFound"):
        session.client("ecr").describe_repositories(repositoryNames=[f"{name}-serving"])


KEPT = {
    "Type": "AWS::S3::Bucket",
    "DeletionPolicy": "RetainExceptOnCreate",
    "UpdateReplacePolicy": "Retain",
}
UNKNOWN_ROLE = f"arn:aws:iam::{ACCOUNT}:role/nobody"
IMPOSSIBLE = {
    "Type": "AWS::Lambda::Function",
    "DependsOn": ["Kept"],
    "Properties": {
        "Code": {"ZipFile": HANDLER},
        "Handler": "index.handler",
        "Runtime": "python3.13",
        "Role": UNKNOWN_ROLE,
    },
}


def _settle(formation, name: str) -> dict:
    return until(
        lambda: formation.describe_stacks(StackName=name)["Stacks"][0],
        lambda stack: not stack["StackStatus"].endswith("IN_PROGRESS"),
    )


def _buckets(session) -> set[str]:
    return {bucket["Name"] for bucket in session.client("s3").list_buckets()["Buckets"]}


def test_a_bucket_that_is_kept_except_on_create_goes_when_the_stacks_creation_fails(
    session, workshop
):
    """docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html"""
    formation, name = session.client("cloudformation"), workshop.name()
    before = _buckets(session)
    template = {"Resources": {"Kept": KEPT, "Impossible": IMPOSSIBLE}}
    formation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    assert _settle(formation, name)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert _buckets(session) == before


def test_a_bucket_that_is_kept_except_on_create_stays_once_the_stack_was_made(session, workshop):
    formation, s3, name = session.client("cloudformation"), session.client("s3"), workshop.name()
    topic = {"Type": "AWS::SNS::Topic"}
    template = {"Resources": {"Kept": KEPT, "Topic": topic}}
    before = _buckets(session)
    formation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    assert _settle(formation, name)["StackStatus"] == "CREATE_COMPLETE"
    [bucket] = _buckets(session) - before
    s3.put_object(Bucket=bucket, Key="photo", Body=b"pixels")
    # An update that fails, then one that takes the bucket out of the template.
    broken = {"Resources": {"Kept": KEPT, "Topic": topic, "Impossible": IMPOSSIBLE}}
    formation.update_stack(StackName=name, TemplateBody=json.dumps(broken))
    assert _settle(formation, name)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    formation.update_stack(StackName=name, TemplateBody=json.dumps({"Resources": {"Topic": topic}}))
    assert _settle(formation, name)["StackStatus"] == "UPDATE_COMPLETE"
    assert s3.get_object(Bucket=bucket, Key="photo")["Body"].read() == b"pixels"
