from types import SimpleNamespace

import boto3
import pytest
from botocore.stub import Stubber

from scripts.execution_graph import execution
from service.terminal import UserError
from tests.unit.scripts.execution_graph.histories import BEGAN

ARN = "arn:aws:states:us-east-1:123456789012:execution:machine:name"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:machine"


@pytest.fixture
def states():
    client = boto3.client(
        "stepfunctions", "us-east-1", aws_access_key_id="-", aws_secret_access_key="-"
    )
    with Stubber(client) as stubber:
        yield stubber


@pytest.fixture
def cloud(states):
    return SimpleNamespace(region="us-east-1", client=lambda _: states.client)


def described(**fields) -> dict:
    return {
        "executionArn": ARN,
        "stateMachineArn": MACHINE,
        "name": "name",
        "status": "SUCCEEDED",
        "startDate": BEGAN,
        "stopDate": BEGAN,
        **fields,
    }


def respond(states, answer: dict, pages=(({}, 1),)) -> None:
    states.add_response("describe_execution", answer)
    states.add_response(
        "describe_state_machine_for_execution",
        {
            "stateMachineArn": MACHINE,
            "name": "machine",
            "definition": '{"StartAt": "A", "States": {}}',
            "roleArn": "arn:aws:iam::123456789012:role/r",
            "updateDate": BEGAN,
        },
    )
    for more, number in pages:
        event = {"id": number, "type": "PassStateEntered", "timestamp": BEGAN}
        states.add_response("get_execution_history", {"events": [event], **more})
    states.add_response("list_map_runs", {"mapRuns": []})


def test_a_history_is_read_to_its_last_page(states, cloud):
    respond(states, described(), pages=[({"nextToken": "more"}, 1), ({}, 2)])
    assert [event["id"] for event in execution.load(cloud, ARN).events] == [1, 2]


@pytest.mark.parametrize(
    "fields",
    [
        {"output": '{"counts": {"submitted": 3, "failed": 1}}'},
        {"status": "FAILED", "error": "E", "cause": '{"counts": {"submitted": 3, "failed": 1}}'},
    ],
)
def test_counts_come_from_the_output_or_the_cause(states, cloud, fields):
    respond(states, described(**fields))
    assert execution.load(cloud, ARN).counts == {"submitted": 3, "failed": 1}


@pytest.mark.parametrize("output", ["[1]", "null", '{"counts": 3}', '{"counts": {"a": "b"}}'])
def test_an_output_without_counts_has_none(states, cloud, output):
    respond(states, described(output=output))
    assert execution.load(cloud, ARN).counts == {}


def test_an_execution_that_is_gone(states, cloud):
    states.add_client_error("describe_execution", "ExecutionDoesNotExist")
    with pytest.raises(UserError, match="90 days"):
        execution.load(cloud, ARN)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("two words", "neither"),
        ("a/b", "neither"),
        ("arn:aws:s3:::bucket", "is not the ARN of an execution"),
        (MACHINE, "is not the ARN of an execution"),
        (ARN.replace("execution", "express") + ":id", "no history"),
        (ARN.replace("machine:", "machine/Label:"), "no history"),
        (ARN.replace("us-east-1", "eu-west-1"), "AWS_REGION"),
    ],
)
def test_what_names_no_execution_with_a_history_is_refused(cloud, given, said):
    with pytest.raises(UserError, match=said):
        execution.find(cloud, given, "dev")


def test_a_name_is_looked_for_in_both_state_machines(states, cloud, monkeypatch):
    stack = SimpleNamespace(state_machine=f"{MACHINE}-one", bulk_state_machine=MACHINE)
    monkeypatch.setattr(execution, "find_stack", lambda *_: stack)
    states.add_client_error("describe_execution", "ExecutionDoesNotExist")
    states.add_response("describe_execution", described(), {"executionArn": ARN})
    assert execution.find(cloud, "name", "dev") == ARN
