"""The history of an execution is as on AWS, as far as an execution's picture needs it."""

from collections import Counter

from tests.local.conftest import task

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


def _history(workshop, definition: dict, items: list) -> list[dict]:
    execution = workshop.run(definition, {"items": items})
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


def test_ids_are_unique_and_in_order_though_items_run_at_once(workshop):
    function = workshop.function(JUDGE)
    events = _history(workshop, _definition(function), list(range(20)))
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert all(event.get("previousEventId", 0) < event["id"] for event in events)


def test_every_item_and_state_of_a_map_has_its_events(workshop):
    function = workshop.function(JUDGE)
    events = _history(workshop, _definition(function), list(range(6)))
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


def test_going_back_leads_through_the_item_to_the_beginning(workshop):
    function = workshop.function(JUDGE)
    events = _history(workshop, _definition(function), list(range(6)))
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
    events = _history(workshop, definition, [1])
    types = [event["type"] for event in events]
    assert types[-4:] == ["TaskFailed", "MapIterationFailed", "MapStateFailed", "ExecutionFailed"]
    assert "MapStateExited" not in types
    assert _back(events, events[-1])[-1] == "PassStateEntered"
