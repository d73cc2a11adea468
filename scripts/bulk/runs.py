"""Runs of `classifyBulk`: start one, find one by name or ARN, wait for its end."""

import time
from dataclasses import dataclass

from scripts.bulk import manifest
from service import stack, storage, terminal
from service.stack import Cloud, Stack, start_execution
from service.terminal import UserError, one_line

POLL_SECONDS = 1
RUNNING = ("RUNNING", "PENDING_REDRIVE")
COMPARED = 20  # of the runs that go on, the newest; each takes a call


@dataclass(frozen=True)
class Run:
    """A new run. running: the name of another one that goes on over the same manifest, if any."""

    name: str
    execution_arn: str
    manifest: manifest.Manifest
    running: str | None


def submit(
    cloud: Cloud, stack: Stack, source: str, keep_duplicates: bool = False, **settings: float | None
) -> Run:
    """Start a run over the photos of a source, as manifest.list_entries reads it.

    settings: threshold, batch_size and tolerated_failure_percentage; one that is None or missing is
    the state machine's. Raises UserError for a wrong source and for one without photos.
    """
    s3, states = cloud.client("s3", connections=storage.THREADS), cloud.client("stepfunctions")
    entries = manifest.list_entries(s3, stack.bucket, source)
    photos = manifest.publish(s3, stack.bucket, entries, keep_duplicates)
    if not photos.lines:
        raise UserError(f"There are no photos in {source}.")
    running = _find_running(states, stack.bulk_state_machine, photos.key)
    request = {
        "manifest": {"s3_bucket": stack.bucket, "s3_key": photos.key},
        **{name: value for name, value in settings.items() if value is not None},
    }
    name, arn = start_execution(states, stack.bulk_state_machine, "bulk", request)
    return Run(name, arn, photos, running)


def _find_running(states, state_machine: str, manifest_key: str) -> str | None:
    """Return the name of a run that goes on over this manifest; None if the newest few do not."""
    newest = states.list_executions(
        stateMachineArn=state_machine, statusFilter="RUNNING", maxResults=COMPARED
    )
    for each in newest["executions"]:
        execution = states.describe_execution(executionArn=each["executionArn"])
        if manifest_key in execution["input"]:  # a digest, which stands nowhere else
            return each["name"]
    return None


def find(states, state_machine: str, run: str | None = None) -> dict:
    """Describe the run of this name or ARN, or the newest. Raises UserError if there is none."""
    if run is None:
        # Step Functions sorts executions that have ended by their end, not by their start.
        recent = states.list_executions(stateMachineArn=state_machine)["executions"]
        if not recent:
            raise UserError("There is no run yet: submit one.")
        run = max(recent, key=lambda execution: execution["startDate"])["executionArn"]
    arn = run if run.startswith("arn:") else stack.execution_arn(state_machine, run)
    execution = stack.describe_execution(states, arn)
    if execution is None or execution["stateMachineArn"] != state_machine:
        raise UserError(f"There is no run {run}. Without a name, the newest is taken.")
    return execution


def describe_map_run(states, execution_arn: str) -> dict | None:
    """Return DescribeMapRun's answer about an execution's Map Run; None before it has begun."""
    map_runs = states.list_map_runs(executionArn=execution_arn)["mapRuns"]
    return states.describe_map_run(mapRunArn=map_runs[0]["mapRunArn"]) if map_runs else None


def count_ended(map_run: dict) -> int:
    """Return the number of photos whose batch has ended, whichever way."""
    counts = map_run["itemCounts"]
    return sum(counts[kind] for kind in ("succeeded", "failed", "timedOut", "aborted"))


def format_failure(execution: dict) -> str:
    """Return the error and the cause of an execution that failed, in one line."""
    reason = f"{execution.get('error', '')}: {execution.get('cause', '')}".strip(": ")
    return one_line(reason, 300)


def wait(states, execution_arn: str) -> dict:
    """Wait until the run ends, with a progress bar; return DescribeExecution's answer then."""
    ended = 0
    stop = f"aws stepfunctions stop-execution --execution-arn {execution_arn}"
    with (
        terminal.explain_interrupt(f"The run goes on; to stop it: {stop}"),
        terminal.progress_bar("Classify", unit="photos") as advance,
    ):
        while True:
            execution = states.describe_execution(executionArn=execution_arn)
            if map_run := describe_map_run(states, execution_arn):
                before, ended = ended, count_ended(map_run)
                advance(ended - before, total=map_run["itemCounts"]["total"])
            if execution["status"] not in RUNNING:
                return execution
            time.sleep(POLL_SECONDS)
