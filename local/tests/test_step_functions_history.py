"""The history of an execution is as on AWS, as far as an execution's picture needs it."""

import itertools
import time
from collections import Counter

import pytest
from ministack.services import stepfunctions as sfn

from local.step_functions import history
from local.tests.conftest import task

JUDGE = """
    class Odd(Exception): pass
    def handler(event, context):
        if event % 2:
            raise Odd
        return event
"""


def _definition(function: str, **fields) -> dict:
    judge = task(function, Catch=[{"ErrorEquals": ["Odd"], "Next": "Caught"}], **fields)
    states = {"Judge": judge, "Caught": {"Type": "Succeed"}}
    return {
        "StartAt": "First",
        "States": {
            "First": {"Type": "Pass", "Next": "Each"},
            "Each": {
                "Type": "Map",
                "Items": "{% $states.input.items %}",
                "ItemProcessor": {"StartAt": "Judge", "States": states},
                "End": True,
            },
        },
    }


def _events(workshop, execution: dict) -> list[dict]:
    pages = workshop.states.get_paginator("get_execution_history").paginate(
        executionArn=execution["executionArn"], PaginationConfig={"PageSize": 1000}
    )
    return [event for page in pages for event in page["events"]]


def _back(events: list[dict], event: dict) -> list[str]:
    """The types of events from this one back to the beginning."""
    by_id = {event["id"]: event for event in events}
    types = [event["type"]]
    while event := by_id.get(event["previousEventId"]):
        types.append(event["type"])
    return types


def test_every_item_and_state_of_a_map_has_its_events_in_a_chain(workshop):
    function = workshop.function(JUDGE)
    execution = workshop.run(_definition(function), {"items": list(range(6))})
    events = _events(workshop, execution)
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert all(event.get("previousEventId", 0) < event["id"] for event in events)
    assert Counter(event["type"] for event in events) == {
        **dict.fromkeys(("ExecutionStarted", "ExecutionSucceeded"), 1),
        **dict.fromkeys(("PassStateEntered", "PassStateExited"), 1),
        **{f"MapState{what}": 1 for what in ("Entered", "Started", "Succeeded", "Exited")},
        **dict.fromkeys(("MapIterationStarted", "MapIterationSucceeded"), 6),
        **dict.fromkeys(("TaskStateEntered", "TaskScheduled", "TaskStateExited"), 6),
        **dict.fromkeys(("TaskSucceeded", "TaskFailed"), 3),
        **dict.fromkeys(("SucceedStateEntered", "SucceedStateExited"), 3),
    }
    started = [
        event["mapIterationStartedEventDetails"]
        for event in events
        if event["type"] == "MapIterationStarted"
    ]
    assert sorted(details["index"] for details in started) == list(range(6))
    assert {details["name"] for details in started} == {"Each"}
    caught = next(event for event in events if event["type"] == "SucceedStateExited")
    assert _back(events, caught) == [
        *("SucceedStateExited", "SucceedStateEntered"),
        *("TaskStateExited", "TaskFailed", "TaskScheduled", "TaskStateEntered"),
        *("MapIterationStarted", "MapStateStarted", "MapStateEntered"),
        *("PassStateExited", "PassStateEntered"),
    ]


def test_an_item_that_fails_fails_the_map(workshop):
    definition = _definition(workshop.function(JUDGE))
    del definition["States"]["Each"]["ItemProcessor"]["States"]["Judge"]["Catch"]
    events = _events(workshop, workshop.run(definition, {"items": [1]}))
    types = [event["type"] for event in events]
    assert types[-4:] == ["TaskFailed", "MapIterationFailed", "MapStateFailed", "ExecutionFailed"]
    assert "MapStateExited" not in types
    assert _back(events, events[-1])[-1] == "PassStateEntered"


# --- the 25,000 events of a history


def _chain(length: int, **last: object) -> dict:
    """A definition of so many Pass states in a row, each of two events."""
    names = [f"Pass{number}" for number in range(length)]
    states = {name: {"Type": "Pass", "Next": after} for name, after in itertools.pairwise(names)}
    return {"StartAt": names[0], "States": {**states, names[-1]: {"Type": "Pass", **last}}}


def _of_25_000_events(more: int) -> dict:
    """A definition of 25,000 events and two for each of so `many` more states, before its Map.

    The start and the end are two, two Pass states and the Map itself eight; each of 245 items is
    two and goes through 50 Pass states.
    """
    each = {
        "Type": "Map",
        "MaxConcurrency": 40,
        "Items": "{% [1..245] %}",
        "ItemProcessor": _chain(50, End=True),
        "Output": "{% $count($states.result) %}",
        "Catch": [{"ErrorEquals": ["States.ALL", "States.Runtime"], "Next": "Caught"}],
        "Next": "Last",
    }
    before = _chain(1 + more, Next="Each")
    rest = {"Each": each, "Last": {"Type": "Pass", "End": True}, "Caught": {"Type": "Succeed"}}
    return {"StartAt": before["StartAt"], "States": {**before["States"], **rest}}


@pytest.mark.proof
def test_an_execution_whose_event_25_000_is_its_success_succeeds(workshop):
    execution = workshop.run(_of_25_000_events(0))
    assert execution["status"] == "SUCCEEDED"
    last = _events(workshop, execution)[-1]
    assert (last["id"], last["type"]) == (25_000, "ExecutionSucceeded")


@pytest.mark.parametrize("more", [pytest.param(1, marks=pytest.mark.proof), 600])
def test_an_execution_that_is_not_done_by_event_25_000_fails_with_it(workshop, more):
    """Whether it is at its end by then or in the middle of a Map, and whatever it catches."""
    execution = workshop.run(_of_25_000_events(more))
    cause = "The execution reached the maximum number of history events (25000)."
    assert execution["status"] == "FAILED"
    assert (execution["error"], execution["cause"]) == ("States.Runtime", cause)
    time.sleep(0.5)  # what was running by then
    events = _events(workshop, execution)
    assert [event["id"] for event in events] == list(range(1, 25_001))
    last = events[-1]
    assert (last["type"], last["previousEventId"]) == ("ExecutionFailed", 24_999)
    assert last["executionFailedEventDetails"] == {"error": "States.Runtime", "cause": cause}
    assert workshop.wait(execution)["status"] == "FAILED"


@pytest.mark.parametrize("fields", [{"parent": {}}, {"stateMachineArn": "express"}])
def test_express_executions_have_no_such_limit(monkeypatch, fields):
    monkeypatch.setattr(history, "LIMIT", 10)
    monkeypatch.setitem(sfn._state_machines, "express", {"type": "EXPRESS"})
    execution = {"stateMachineArn": "", "status": "RUNNING", "events": [], **fields}
    for _ in range(20):
        history.add(sfn._add_event, execution, "PassStateEntered")
    assert (len(execution["events"]), execution["status"]) == (20, "RUNNING")
