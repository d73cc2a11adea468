import json
from types import SimpleNamespace

import pytest

from scripts.execution_graph.execution import load
from service import stack
from service.terminal import UserError
from tests.unit.refusals import refusal
from tests.unit.scripts.execution_graph.histories import BEGAN

ARN = "arn:aws:states:us-east-1:123456789012:execution:machine:name"
COUNTS = '{"counts": {"submitted": 3, "failed": 1}}'


class States:
    """Step Functions with executions by ARN, each of two events."""

    def __init__(self, *arns: str):
        self.arns = arns

    def describe_execution(self, executionArn):  # noqa: N803
        if executionArn not in self.arns:
            raise refusal("ExecutionDoesNotExist")
        return described(executionArn=executionArn)

    def describe_state_machine_for_execution(self, executionArn):  # noqa: N803
        return {"name": "machine", "definition": '{"StartAt": "A", "States": {}}'}

    def list_map_runs(self, executionArn):  # noqa: N803
        return {"mapRuns": []}

    def get_paginator(self, _):
        pages = SimpleNamespace(search=lambda _: iter([{"id": 1}, {"id": 2}]))
        return SimpleNamespace(paginate=lambda **_: pages)


def described(**fields) -> dict:
    usual = {"executionArn": ARN, "name": "name", "status": "SUCCEEDED", "startDate": BEGAN}
    return usual | {"stopDate": BEGAN} | fields


def cloud(*arns: str):
    return SimpleNamespace(region="us-east-1", client=lambda _: States(*arns))


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        ({"output": COUNTS}, json.loads(COUNTS)["counts"]),
        ({"status": "FAILED", "error": "E", "cause": COUNTS}, json.loads(COUNTS)["counts"]),
        ({"output": "null"}, {}),
        ({"output": '{"counts": 3}'}, {}),
        ({"output": '{"counts": {"a": "b"}}'}, {}),
    ],
)
def test_counts_come_from_the_output_or_the_cause_and_one_that_runs_is_to_be_waited_for(
    fields, counts
):
    found = load(cloud(), described(**fields))
    assert found.counts == counts
    assert [event["id"] for event in found.events] == [1, 2]
    with pytest.raises(UserError, match="name still runs"):
        load(cloud(), described(status="RUNNING"))


def test_a_name_is_looked_for_in_both_state_machines(monkeypatch):
    machines = ("arn:stateMachine:one", "arn:stateMachine:two")
    arns = [machine.replace("stateMachine", "execution") + ":name" for machine in machines]
    own = SimpleNamespace(state_machine=machines[0], bulk_state_machine=machines[1])
    monkeypatch.setattr(stack, "find_stack", lambda *_: own)
    assert stack.find_execution(cloud(*arns[1:]), "dev", "name")["executionArn"] == arns[1]
    assert stack.find_execution(cloud(ARN), "dev", ARN)["executionArn"] == ARN
    with pytest.raises(UserError, match="Two executions are named name"):
        stack.find_execution(cloud(*arns), "dev", "name")
    with pytest.raises(UserError, match=f"no execution {ARN} .*90 days.*Express"):
        stack.find_execution(cloud(), "dev", ARN)
