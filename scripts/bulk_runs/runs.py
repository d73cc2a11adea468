"""Executions of `classifyBulk`, by name, by ARN, or the newest."""

from datetime import UTC, datetime, timedelta

from scripts import executions
from scripts.cli import UserError


def find(states, state_machine: str, run: str | None = None) -> dict:
    """Describe the run of this name or ARN, or the newest. Raises UserError if there is none."""
    if run is None:
        # By their end, not their beginning, does Step Functions sort those that have ended.
        recent = states.list_executions(stateMachineArn=state_machine)["executions"]
        if not recent:
            raise UserError("There is no run yet: python -m scripts.bulk submit (same --stage)")
        run = max(recent, key=lambda execution: execution["startDate"])["executionArn"]
    arn = run if run.startswith("arn:") else executions.arn_of(state_machine, run)
    execution = executions.describe(states, arn)
    if execution is None or execution["stateMachineArn"] != state_machine:
        raise UserError(f"There is no run {run}. Without a name, the newest is taken.")
    return execution


def took(execution: dict) -> timedelta:
    """Return how long an execution, or a Map Run, has run or took."""
    return (execution.get("stopDate") or datetime.now(UTC)) - execution["startDate"]
