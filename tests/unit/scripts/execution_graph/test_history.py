from scripts.execution_graph.execution import read
from tests.unit.scripts.execution_graph.histories import History, batch, bulk


def outcome(numbers) -> tuple:
    return (
        *(numbers.entered, numbers.succeeded, numbers.caught, numbers.failed),
        *(numbers.retried, numbers.stopped),
    )


def test_events_of_items_that_run_at_once_are_kept_apart():
    states = read(batch()).states
    assert outcome(states["Read"]) == (4, 3, 1, 0, 1, 0)
    assert outcome(states["Judge"]) == (3, 2, 1, 0, 0, 0)
    assert outcome(states["Each"]) == (1, 1, 0, 0, 0, 0)
    assert (states["Review"].entered, states["Failed"].entered) == (1, 1)
    assert outcome(states["Invalid"]) == (0, 0, 0, 0, 0, 0)
    assert sorted(states["Read"].seconds) == [1, 2, 2, 4]
    assert states["Each"].seconds == [6]


def test_ways_are_counted_apart_from_ways_of_caught_errors_and_errors_with_what_became_of_them():
    transitions = read(batch()).transitions
    assert transitions["Read", "Judge", False] == 3
    assert transitions["Read", "Failed", True] == 1
    assert transitions["Judge", "Failed", True] == 0
    assert read(batch()).errors == {
        ("Read", "Throttled", "retried"): 1,
        ("Read", "NotFound", "caught"): 1,
        ("Judge", "NOT_SURE", "caught"): 1,
    }


def test_what_had_not_ended_when_the_execution_did_was_stopped():
    events = batch()
    first_exit = next(i for i, e in enumerate(events) if e["type"] == "TaskStateExited")
    states = read(events[:first_exit]).states
    assert outcome(states["Each"]) == (1, 0, 0, 0, 0, 1)
    assert states["Read"].stopped == 3
    assert states["Read"].failed == 1  # its attempt had failed, and no other had begun


def test_an_error_that_nothing_catches_is_a_failure():
    h = History()
    each = h.add(h.enter(0, "Map", "Each", 1), "MapStateStarted", 1, length=2)
    item, other = (h.add(each, "MapIterationStarted", 1, name="Each", index=i) for i in (0, 1))
    h.attempt(h.enter(other, "Task", "Read", 1), 1, 9, "")
    del h.events[-1]
    read_ = h.attempt(h.enter(item, "Task", "Read", 1), 1, 1, "Broken")
    h.add(read_, "MapIterationFailed", 2, name="Each", index=0)
    last = h.add(read_, "MapStateFailed", 2)
    h.add(last, "ExecutionFailed", 2, error="Broken")
    states, errors = read(h.events).states, read(h.events).errors
    assert outcome(states["Read"]) == (2, 0, 0, 1, 0, 1)
    assert outcome(states["Each"]) == (1, 0, 0, 1, 0, 0)
    assert errors == {("Read", "Broken", "failed"): 1}


def test_an_expression_that_cannot_be_evaluated_fails_its_state():
    h = History()
    checked = h.enter(0, "Pass", "Check", 1)
    h.add(checked, "ExecutionFailed", 2, error="States.QueryEvaluationError")
    assert outcome(read(h.events).states["Check"]) == (1, 0, 0, 1, 0, 0)


def test_a_map_that_starts_again_is_retried():
    h = History()
    last = h.enter(0, "Map", "Each", 1)
    for _ in range(3):
        last = h.add(last, "MapStateStarted", 1, length=1)
        last = h.add(last, "MapIterationStarted", 1, name="Each", index=0)
        last = h.attempt(h.enter(last, "Task", "Read", 1), 1, 1, "Broken")
        h.add(last, "MapIterationFailed", 2, name="Each", index=0)
    h.add(h.add(last, "MapStateFailed", 2), "ExecutionFailed", 2)
    states = read(h.events).states
    assert outcome(states["Each"]) == (1, 0, 0, 1, 2, 0)
    assert outcome(states["Read"]) == (3, 0, 0, 3, 0, 0)


def test_a_time_out_is_an_error_though_its_event_names_none():
    h = History()
    last = h.enter(0, "Task", "Count", 1)
    last = h.add(h.add(last, "TaskScheduled", 1), "TaskTimedOut", 2)
    last = h.attempt(last, 3, 1)
    h.exit(last, "Task", "Count", 4)
    reads = read(h.events)
    assert outcome(reads.states["Count"]) == (1, 1, 0, 0, 1, 0)
    assert reads.errors == {("Count", "States.Timeout", "retried"): 1}


def test_of_children_of_a_distributed_map_nothing_is_read():
    reads = read(bulk())
    assert set(reads.states) == {"Batches", "Count"}
    assert outcome(reads.states["Batches"]) == (1, 1, 0, 0, 0, 0)
    assert read([bulk()[0]]).states["Read"].entered == 0
