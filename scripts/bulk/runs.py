"""Runs of `classifyBulk`: found by name or ARN, and how far they are."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tqdm import tqdm

from service import stack, terminal
from service.terminal import UserError

# Short runs are seen to end at once, and over hours Step Functions does not throttle the questions.
FIRST_NAP_SECONDS, LONGEST_NAP_SECONDS = 0.5, 5.0
RUNNING = ("RUNNING", "PENDING_REDRIVE")


def find(states, state_machine: str, run: str | None = None) -> dict:
    """Describe the run of this name or ARN, or the newest. Raises UserError if there is none."""
    if run is None:
        # By their end, not their beginning, does Step Functions sort those that have ended.
        recent = states.list_executions(stateMachineArn=state_machine)["executions"]
        if not recent:
            raise UserError("There is no run yet: python -m scripts.bulk submit (same --stage)")
        run = max(recent, key=lambda execution: execution["startDate"])["executionArn"]
    arn = run if run.startswith("arn:") else stack.execution_arn(state_machine, run)
    execution = stack.describe_execution(states, arn)
    if execution is None or execution["stateMachineArn"] != state_machine:
        raise UserError(f"There is no run {run}. Without a name, the newest is taken.")
    return execution


def took(execution: dict) -> timedelta:
    """Return how long an execution, or a Map Run, has run or took."""
    return (execution.get("stopDate") or datetime.now(UTC)) - execution["startDate"]


@dataclass(frozen=True)
class Progress:
    """Images by the state of their batch, and how long the Map Run has run or took."""

    total: int
    succeeded: int
    failed: int
    running: int
    pending: int
    seconds: float

    @property
    def done(self) -> int:
        """Images whose batch has ended."""
        return self.succeeded + self.failed

    @property
    def rate(self) -> float:
        """Images a second; 0 before the first."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Seconds that the rest takes at this rate; None before the first."""
        return (self.total - self.done) / self.rate if self.done else None


def map_run_of(states, execution_arn: str) -> str | None:
    """Return the ARN of the execution's Map Run, or None before it has begun."""
    map_runs = states.list_map_runs(executionArn=execution_arn)["mapRuns"]
    return map_runs[0]["mapRunArn"] if map_runs else None


def progress_of(states, map_run_arn: str) -> Progress:
    """Return the progress of a Map Run."""
    map_run = states.describe_map_run(mapRunArn=map_run_arn)
    counts = map_run["itemCounts"]
    return Progress(
        total=counts["total"],
        succeeded=counts["succeeded"],
        failed=counts["failed"] + counts["timedOut"] + counts["aborted"],
        running=counts["running"],
        pending=counts["pending"],
        seconds=took(map_run).total_seconds(),
    )


def wait(states, execution_arn: str) -> dict:
    """Wait until the run ends, with a progress bar; return what DescribeExecution then says."""
    map_run, nap = None, FIRST_NAP_SECONDS
    try:
        with tqdm(desc="Classify", unit="image", disable=None) as bar:
            while True:
                execution = states.describe_execution(executionArn=execution_arn)
                map_run = map_run or map_run_of(states, execution_arn)
                if map_run is not None:
                    progress = progress_of(states, map_run)
                    bar.total = progress.total
                    bar.update(progress.done - bar.n)
                    bar.refresh()
                if execution["status"] not in RUNNING:
                    return execution
                time.sleep(nap)
                nap = min(nap * 1.1, LONGEST_NAP_SECONDS)
    except KeyboardInterrupt:
        raise terminal.Interrupted(
            "Interrupted. The run goes on; to stop it: "
            f"aws stepfunctions stop-execution --execution-arn {execution_arn}"
        ) from None
