"""Executions to draw, of the histories beside this file."""

from scripts.execution_graph.execution import Execution
from tests.unit.scripts.execution_graph.histories import (
    BATCH,
    BEGAN,
    BULK,
    batch,
    bulk,
    catch,
    task,
)

NONE = dict.fromkeys(
    ("total", "succeeded", "failed", "timedOut", "aborted", "running", "pending"), 0
)
COUNTS = NONE | {"total": 1000, "succeeded": 940, "failed": 60}


def execution(definition=BATCH, events=None, **fields) -> Execution:
    """An execution that took six seconds: of BATCH to its end, unless something else is given."""
    usual = {"name": "name", "machine": "machine", "status": "SUCCEEDED", "seconds": 6}
    usual |= {"definition": definition, "events": batch() if events is None else events}
    return Execution(**usual | {"started": BEGAN} | fields)


def bulk_execution(**fields) -> Execution:
    """One of BULK."""
    run = {"itemCounts": COUNTS, "executionCounts": NONE | {"total": 10}}
    return execution(BULK, **{"events": bulk(), "map_run": run} | fields)


LONG = "A" * 80
INNER = {"StartAt": "C", "States": {"C": {"Type": "Wait", "End": True}}}
RULES = [{"Condition": "{% $states.input.n = 3 %}", "Next": LONG}, {"And": [], "Next": "F"}]
LONG_NAMES = {
    "StartAt": LONG,
    "States": {
        LONG: task(Catch=[catch("B", "E" * 120)], Next="B"),
        "B": {"Type": "Map", "ItemProcessor": INNER, "Next": "E"},
        "E": {"Type": "Choice", "Choices": RULES, "Default": "F"},
        "F": {"Type": "Fail"},
    },
}
EXECUTIONS = {
    "batch": execution(counts={"submitted": 4, "accepted": 2, "review": 1, "failed": 1}),
    "bulk": bulk_execution(),
    "stopped": execution(status="ABORTED", events=batch()[:20]),
    "nothing": execution(status="ABORTED", events=[]),
    "failed": execution(
        status="FAILED", error="Broken", cause="word " * 400, counts={"submitted": 4, "failed": 4}
    ),
    "long names": execution(LONG_NAMES, [], name="n" * 80),
}
