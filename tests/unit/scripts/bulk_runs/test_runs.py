import pytest

from scripts import executions
from scripts.bulk_runs import runs
from scripts.cli import UserError
from tests.unit.scripts.bulk_runs.memory_states import MACHINE, MemoryStates


@pytest.fixture
def states():
    states = MemoryStates()
    for name in ("first", "second"):
        states.start_execution(MACHINE, name, "{}")
    return states


def test_without_a_name_the_newest_is_taken_though_an_older_ended_later(states):
    arn = executions.arn_of(MACHINE, "first")
    states.end(arn, "SUCCEEDED")
    assert runs.find(states, MACHINE)["name"] == "second"


def test_a_run_is_found_by_name_and_by_arn(states):
    by_name = runs.find(states, MACHINE, "first")
    assert by_name == runs.find(states, MACHINE, by_name["executionArn"])
    assert by_name["name"] == "first"


def test_runs_that_are_not_there_are_one_line(states):
    with pytest.raises(UserError, match="no run third"):
        runs.find(states, MACHINE, "third")
    with pytest.raises(UserError, match="no run arn:"):
        runs.find(states, MACHINE, "arn:aws:states:us-east-1:123456789012:execution:other:first")
    with pytest.raises(UserError, match=r"scripts\.bulk submit"):
        runs.find(MemoryStates(), MACHINE)


def test_a_run_of_another_state_machine_is_none_of_these(states):
    arn = states.start_execution(MACHINE.replace("Bulk", ""), "batch", "{}")["executionArn"]
    with pytest.raises(UserError, match="no run"):
        runs.find(states, MACHINE, arn)
