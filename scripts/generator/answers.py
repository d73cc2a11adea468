"""What became of images that were sent: the ends of `classify`'s executions."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from botocore.config import Config

from scripts.cloud import Cloud

DESCRIBERS = 8
CLOCKS_APART = timedelta(seconds=60)  # at most so much the cloud's clock is behind this machine's


@dataclass(frozen=True)
class Answer:
    """How an image ended: status accepted, review or failed; failed has an error.

    stopped: the time of the cloud's clock at which its execution ended, in seconds of the epoch.
    """

    key: str
    stopped: float
    status: str
    label: str | None = None
    confidence: float | None = None
    error: str | None = None


class Answers:
    """The answers to images that arrive one by one, as executions end.

    Finds executions as ListExecutions tells of them, and asks DescribeExecution for the image of
    each, whether it was started by EventBridge or by name. `since` is when the first was sent.
    """

    def __init__(self, cloud: Cloud, state_machine: str, since: datetime):
        # DescribeExecution allows 10 to 15 a second for a whole account: as soon as AWS says so,
        # this mode asks no faster.
        config = Config(
            retries={"mode": "adaptive", "total_max_attempts": 10}, max_pool_connections=DESCRIBERS
        )
        self._states = cloud.session.client("stepfunctions", config=config)
        self._state_machine = state_machine
        self._since = since - CLOCKS_APART
        self._seen: set[str] = set()

    def new(self) -> list[Answer]:
        """Return the answers that came since the last call."""
        ended = list(self._ended())
        with ThreadPoolExecutor(DESCRIBERS) as pool:
            executions = list(pool.map(self._describe, (each["executionArn"] for each in ended)))
        # Only now, so that those of a call that failed are asked for again.
        self._seen.update(each["executionArn"] for each in ended)
        return [answer for execution in executions if (answer := answer_of(execution))]

    def _ended(self) -> Iterator[dict]:
        pages = self._states.get_paginator("list_executions").paginate(
            stateMachineArn=self._state_machine, PaginationConfig={"PageSize": 1000}
        )
        for page in pages:
            for execution in page["executions"]:
                # The newest come first: by their start or their end, and this holds for both.
                if execution.get("stopDate", execution["startDate"]) < self._since:
                    return
                if execution["status"] != "RUNNING" and execution["executionArn"] not in self._seen:
                    yield execution

    def _describe(self, arn: str) -> dict:
        return self._states.describe_execution(executionArn=arn)


def answer_of(execution: dict) -> Answer | None:
    """Return the answer in an ended execution of one image; None where it was of something else."""
    key = key_of(json.loads(execution["input"]))
    if key is None:
        return None
    stopped = execution["stopDate"].timestamp()
    if execution["status"] == "SUCCEEDED":
        result = json.loads(execution["output"])["results"][0]
    else:
        result = _failure(execution)
    told = {name: result.get(name) for name in ("label", "confidence", "error")}
    return Answer(key, stopped, result["status"], **told)


def key_of(execution_input: object) -> str | None:
    """Return the key of the one image that an execution of `classify` is about, or None."""
    match execution_input:
        case {"detail": {"object": {"key": str(key)}}}:  # S3's Object Created event
            return key
        case {"images": [{"s3_key": str(key)}]}:
            return key
    return None


def _failure(execution: dict) -> dict:
    """Return a failed result: the image's own, where the execution failed since the image did."""
    error = execution.get("error", execution["status"])
    if error == "BatchFailed":
        return json.loads(execution["cause"])["first"]
    return {"status": "failed", "error": error}
