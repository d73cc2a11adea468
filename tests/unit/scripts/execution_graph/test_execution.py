from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import boto3
import pytest
from botocore.stub import Stubber

from scripts.execution_graph.execution import load
from service import stack
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


def respond(states, pages=(({}, 1),)) -> None:
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
    respond(states, pages=[({"nextToken": "more"}, 1), ({}, 2)])
    assert [event["id"] for event in load(cloud, described()).events] == [1, 2]


@pytest.mark.parametrize(
    "fields",
    [
        {"output": '{"counts": {"submitted": 3, "failed": 1}}'},
        {"status": "FAILED", "error": "E", "cause": '{"counts": {"submitted": 3, "failed": 1}}'},
    ],
)
def test_counts_come_from_the_output_or_the_cause(states, cloud, fields):
    respond(states)
    assert load(cloud, described(**fields)).counts == {"submitted": 3, "failed": 1}


@pytest.mark.parametrize("output", ["null", '{"counts": 3}', '{"counts": {"a": "b"}}'])
def test_an_output_without_counts_has_none(states, cloud, output):
    respond(states)
    assert load(cloud, described(output=output)).counts == {}


@pytest.mark.parametrize("refusal", ["ExecutionDoesNotExist", "InvalidArn"])
def test_what_is_no_execution_with_a_history_is_refused(states, cloud, refusal):
    states.add_client_error("describe_execution", refusal)
    with pytest.raises(UserError, match=f"no execution {ARN} .*90 days.*Express"):
        stack.find_execution(cloud, "dev", ARN)


def test_an_execution_that_runs_has_taken_its_seconds_so_far(states, cloud):
    running = described(status="RUNNING", startDate=datetime.now(UTC) - timedelta(minutes=10))
    del running["stopDate"]
    respond(states)
    found = load(cloud, running)
    assert found.running
    assert 600 <= found.seconds < 660


@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_name_is_looked_for_in_both_state_machines(states, cloud, monkeypatch, elsewhere):
    own = SimpleNamespace(state_machine=f"{MACHINE}-one", bulk_state_machine=MACHINE)
    monkeypatch.setattr(stack, "find_stack", lambda *_: own)
    if elsewhere:
        states.add_response("describe_execution", described())
    else:
        states.add_client_error("describe_execution", "ExecutionDoesNotExist")
    states.add_response("describe_execution", described(), {"executionArn": ARN})
    if elsewhere:
        with pytest.raises(UserError, match="Two executions are named name"):
            stack.find_execution(cloud, "dev", "name")
    else:
        assert stack.find_execution(cloud, "dev", "name")["executionArn"] == ARN
