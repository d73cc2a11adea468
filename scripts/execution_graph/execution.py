"""An execution, as Step Functions describes it."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

from scripts.execution_graph import history
from service.stack import Cloud, elapsed_seconds


@dataclass(frozen=True)
class Execution:
    """An execution as it is now. `started` is in UTC; `seconds` are until now or its end.

    `events` is its history, oldest first; `map_runs` are DescribeMapRun's answers; `counts` are
    {status: photos} once it has counted them.
    """

    name: str
    machine: str
    status: str
    started: datetime
    seconds: float
    definition: dict
    events: list[dict]
    map_runs: list[dict] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    error: str = ""
    cause: str = ""

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.status == "RUNNING"


def load(cloud: Cloud, execution: dict) -> Execution:
    """Read the whole history of an execution, which is DescribeExecution's answer."""
    states, arn = cloud.client("stepfunctions"), execution["executionArn"]
    machine = states.describe_state_machine_for_execution(executionArn=arn)
    runs = states.get_paginator("list_map_runs").paginate(executionArn=arn)
    return Execution(
        name=execution["name"],
        machine=machine["name"],
        status=execution["status"],
        started=execution["startDate"].astimezone(UTC),
        seconds=elapsed_seconds(execution),
        definition=json.loads(machine["definition"]),
        events=list(history.fetch(states, arn)),
        map_runs=[
            states.describe_map_run(mapRunArn=arn) for arn in runs.search("mapRuns[].mapRunArn")
        ],
        counts=_read_counts(execution),
        error=execution.get("error", ""),
        cause=execution.get("cause", ""),
    )


def _read_counts(execution: dict) -> dict[str, int]:
    """The `counts` of this service's output, or of the cause with which it fails."""
    for text in (execution.get("output"), execution.get("cause")):
        try:
            counts = json.loads(text or "{}")["counts"]
            return {str(name): int(count) for name, count in counts.items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return {}
