from datetime import UTC, datetime, timedelta
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
    names = {"executionArn": ARN, "stateMachineArn": MACHINE, "name": "name"}
    return names | {"status": "SUCCEEDED", "startDate": BEGAN, "stopDate": BEGAN} | fields


def respond(states, answer: dict, pages=(({}, 1),)) -> None:
    states.add_response("describe_execution", answer)
    machine = {"stateMachineArn": MACHINE, "name": "machine", "updateDate": BEGAN, "roleArn": ARN}
    machine["definition"] = '{"StartAt": "A", "States": {}}'
    states.add_response("describe_state_machine_for_execution", machine)
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


@pytest.mark.parametrize("output", ["null", '{"counts": 3}', '{"counts": {"a": "b"}}'])
def test_an_output_without_counts_has_none(states, cloud, output):
    respond(states, described(output=output))
    assert execution.load(cloud, ARN).counts == {}


@pytest.mark.parametrize("refusal", ["ExecutionDoesNotExist", "InvalidArn"])
def test_what_is_no_execution_with_a_history_is_refused(states, cloud, refusal):
    states.add_client_error("describe_execution", refusal)
    with pytest.raises(UserError, match=f"no execution '{ARN}'.*90 days.*Express"):
        execution.find(cloud, ARN, "dev")


def test_an_execution_that_runs_has_taken_its_seconds_so_far(states, cloud):
    running = described(status="RUNNING", startDate=datetime.now(UTC) - timedelta(minutes=10))
    del running["stopDate"]
    respond(states, running)
    found = execution.load(cloud, ARN)
    assert found.running
    assert 600 <= found.seconds < 660


def test_a_name_is_looked_for_in_both_state_machines(states, cloud, monkeypatch):
    stack = SimpleNamespace(state_machine=f"{MACHINE}-one", bulk_state_machine=MACHINE)
    monkeypatch.setattr(execution, "find_stack", lambda *_: stack)
    states.add_client_error("describe_execution", "ExecutionDoesNotExist")
    states.add_response("describe_execution", described(), {"executionArn": ARN})
    assert execution.find(cloud, "name", "dev") == ARN
    for _ in range(2):
        states.add_response("describe_execution", described())
    with pytest.raises(UserError, match="Two executions are named name"):
        execution.find(cloud, "name", "dev")
