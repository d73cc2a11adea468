"""An execution and all that Step Functions tells of it."""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from service.stack import Cloud, describe_execution, execution_arn, find_stack
from service.terminal import UserError

EXECUTION_ARN = re.compile(
    r"arn:[\w-]+:states:(?P<region>[\w-]+):\d+:execution:(?P<machine>[^:/]+):(?P<name>[^:]+)"
)
NAME = re.compile(r"[^\s:/<>{}\[\]?*\"#%\\^|~`$&,;]{1,80}")


@dataclass(frozen=True)
class Execution:
    """An execution as it was at `looked`. Times are UTC; `stopped` is None while it runs."""

    arn: str
    machine: str
    name: str
    status: str
    started: datetime
    stopped: datetime | None
    looked: datetime
    definition: dict
    events: list[dict] = field(repr=False)
    map_runs: list[dict] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    error: str = ""
    cause: str = ""

    @property
    def seconds(self) -> float:
        """How long it took, or has taken so far."""
        return ((self.stopped or self.looked) - self.started).total_seconds()


def find(cloud: Cloud, given: str, stage: str) -> str:
    """The ARN of the execution of that ARN, or of that name in the stage's service."""
    if given.startswith("arn:"):
        return _checked(cloud, given)
    if not NAME.fullmatch(given):
        raise UserError(f"{given!r} is neither the ARN nor the name of an execution.")
    stack = find_stack(cloud, stage)
    states = cloud.client("stepfunctions")
    machines = (stack.state_machine, stack.bulk_state_machine)
    arns = [execution_arn(machine, given) for machine in machines]
    found = [arn for arn in arns if describe_execution(states, arn) is not None]
    if not found:
        raise UserError(
            f"No execution of this service is named {given} in {cloud}; a history is kept for "
            f"90 days. See: aws stepfunctions list-executions --state-machine-arn {machines[0]}"
        )
    if len(found) > 1:
        raise UserError(f"Two executions are named {given}. Give an ARN: {' or '.join(found)}")
    return found[0]


def load(cloud: Cloud, arn: str) -> Execution:
    """Read the execution with its whole history."""
    states = cloud.client("stepfunctions")
    looked = datetime.now(UTC)
    described = describe_execution(states, arn)
    if described is None:
        raise UserError(f"There is no execution {arn} in {cloud}; a history is kept for 90 days.")
    machine = states.describe_state_machine_for_execution(executionArn=arn)
    pages = states.get_paginator("get_execution_history").paginate(
        executionArn=arn, includeExecutionData=False, PaginationConfig={"PageSize": 1000}
    )
    runs = states.get_paginator("list_map_runs").paginate(executionArn=arn)
    return Execution(
        arn=arn,
        machine=machine["name"],
        name=described["name"],
        status=described["status"],
        started=described["startDate"].astimezone(UTC),
        stopped=described["stopDate"].astimezone(UTC) if described.get("stopDate") else None,
        looked=looked,
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


def _checked(cloud: Cloud, arn: str) -> str:
    match = EXECUTION_ARN.fullmatch(arn)
    if not match:
        kept = ":express:" in arn or re.search(r":execution:[^:]+/", arn)
        if kept:
            raise UserError(
                f"{arn} is an Express execution: Step Functions keeps no history of it."
            )
        raise UserError(
            f"{arn} is not the ARN of an execution, which is "
            "arn:aws:states:REGION:ACCOUNT:execution:STATE_MACHINE:NAME."
        )
    if match["region"] != cloud.region:
        raise UserError(f"{arn} is in {match['region']}, not {cloud.region}: set AWS_REGION.")
    return arn


def _counts(described: dict) -> dict[str, int]:
    """The `counts` of this service's output, or of the cause with which it fails."""
    for text in (described.get("output"), described.get("cause")):
        try:
            counts = json.loads(text or "{}")["counts"]
            return {str(name): int(count) for name, count in counts.items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return {}
