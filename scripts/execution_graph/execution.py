"""An execution and all that Step Functions knows of it."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

from service.stack import Cloud, describe_execution, execution_arn, find_stack
from service.terminal import UserError


@dataclass(frozen=True)
class Execution:
    """An execution as it is now. `started` is in UTC; `seconds` are those until now or its end.

    `events` is its history, oldest first; `map_runs` are DescribeMapRun's answers; `counts` of
    photos by status, where it has come that far.
    """

    name: str
    machine: str
    status: str
    started: datetime
    seconds: float
    definition: dict
    events: list[dict] = field(repr=False)
    map_runs: list[dict] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    error: str = ""
    cause: str = ""

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.status == "RUNNING"


def find(cloud: Cloud, given: str, stage: str) -> str:
    """Return the ARN of the execution of that ARN, or of that name in the stage's service."""
    arns = [given]
    if not given.startswith("arn:"):
        stack = find_stack(cloud, stage)
        machines = (stack.state_machine, stack.bulk_state_machine)
        arns = [execution_arn(machine, given) for machine in machines]
    states = cloud.client("stepfunctions")
    found = [arn for arn in arns if describe_execution(states, arn) is not None]
    if not found:
        raise UserError(
            f"There is no execution {given!r} in {cloud}. Step Functions keeps the history of one "
            "for 90 days, and none of Express executions. List them: "
            "aws stepfunctions list-executions --state-machine-arn ARN"
        )
    if len(found) > 1:
        raise UserError(f"Two executions are named {given}. Give an ARN: {' or '.join(found)}")
    return found[0]


def load(cloud: Cloud, arn: str) -> Execution:
    """Read the execution of that ARN with its whole history."""
    states = cloud.client("stepfunctions")
    described = states.describe_execution(executionArn=arn)
    machine = states.describe_state_machine_for_execution(executionArn=arn)
    pages = states.get_paginator("get_execution_history").paginate(
        executionArn=arn, includeExecutionData=False, PaginationConfig={"PageSize": 1000}
    )
    runs = states.get_paginator("list_map_runs").paginate(executionArn=arn)
    started = described["startDate"].astimezone(UTC)
    stopped = described.get("stopDate", datetime.now(UTC))
    return Execution(
        name=described["name"],
        machine=machine["name"],
        status=described["status"],
        started=started,
        seconds=(stopped - started).total_seconds(),
        definition=json.loads(machine["definition"]),
        events=[event for page in pages for event in page["events"]],
        map_runs=[
            states.describe_map_run(mapRunArn=run["mapRunArn"])
            for page in runs
            for run in page["mapRuns"]
        ],
        counts=_counts(described),
        error=described.get("error", ""),
        cause=described.get("cause", ""),
    )


def _counts(described: dict) -> dict[str, int]:
    """The `counts` of this service's output, or of the cause with which it fails."""
    for text in (described.get("output"), described.get("cause")):
        try:
            counts = json.loads(text or "{}")["counts"]
            return {str(name): int(count) for name, count in counts.items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return {}
