"""How far a run is, from the counts that its Map Run keeps."""

import time
from dataclasses import dataclass

from tqdm import tqdm

from scripts import cli
from scripts.bulk_runs import runs

POLL_SECONDS = 0.5
RUNNING = ("RUNNING", "PENDING_REDRIVE")


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


def progress_of(states, execution_arn: str) -> Progress | None:
    """Return the run's progress, or None before its Map Run has begun."""
    map_runs = states.list_map_runs(executionArn=execution_arn)["mapRuns"]
    if not map_runs:
        return None
    map_run = states.describe_map_run(mapRunArn=map_runs[0]["mapRunArn"])
    counts = map_run["itemCounts"]
    return Progress(
        total=counts["total"],
        succeeded=counts["succeeded"],
        failed=counts["failed"] + counts["timedOut"] + counts["aborted"],
        running=counts["running"],
        pending=counts["pending"],
        seconds=runs.took(map_run).total_seconds(),
    )


def wait(states, execution_arn: str) -> dict:
    """Wait until the run ends, with a progress bar; return what DescribeExecution then says."""
    try:
        with tqdm(desc="Classify", unit="image", disable=None) as bar:
            while True:
                execution = states.describe_execution(executionArn=execution_arn)
                progress = progress_of(states, execution_arn)
                if progress is not None:
                    bar.total = progress.total
                    bar.update(progress.done - bar.n)
                    bar.refresh()
                if execution["status"] not in RUNNING:
                    return execution
                time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        raise cli.Interrupted(
            "Interrupted. The run goes on; to stop it: "
            f"aws stepfunctions stop-execution --execution-arn {execution_arn}"
        ) from None
