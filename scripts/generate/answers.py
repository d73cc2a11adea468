"""The answers to photos that arrive one by one, as their executions end."""

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from botocore.config import Config

from handlers.outcomes import FAILED
from service.stack import Cloud

DESCRIBERS = 8
CLOCKS_APART = timedelta(seconds=60)  # at most so much the cloud's clock is behind this machine's


@dataclass(frozen=True)
class Answer:
    """How a photo ended: status is one of STATUSES; FAILED has an error.

    stopped: the time of the cloud's clock at which its execution ended, in seconds of the epoch.
    """

    key: str
    stopped: float
    status: str
    label: str | None = None
    confidence: float | None = None
    error: str | None = None


class Answers:
    """The answers to photos of these keys, in `received` by key, as executions end.

    EventBridge may have started an execution, or a command. ListExecutions names the executions,
    and DescribeExecution the photo of each. `since` is when the first was sent.
    """

    def __init__(self, cloud: Cloud, state_machine: str, since: datetime, keys: Iterable[str]):
        # DescribeExecution allows 10 to 15 a second for a whole account: as soon as AWS says so,
        # this mode asks no faster.
        config = Config(
            retries={"mode": "adaptive", "total_max_attempts": 10}, max_pool_connections=DESCRIBERS
        )
        self._states = cloud.session.client("stepfunctions", config=config)
        self._state_machine = state_machine
        self._since = since - CLOCKS_APART
        self._keys = frozenset(keys)
        self._known: set[str] = set()
        self.received: dict[str, Answer] = {}

    def receive(self) -> int:
        """Take in the answers that came since the last call, and return how many those are."""
        before = len(self.received)
        ended = [execution["executionArn"] for execution in self._ended()]
        with ThreadPoolExecutor(DESCRIBERS) as pool:
            executions = list(pool.map(self._describe, ended))
        # Only now, so that those of a call that failed are asked for again.
        self._known.update(ended)
        for answer in map(read_answer, executions):
            if answer and answer.key in self._keys:
                self.received.setdefault(answer.key, answer)  # EventBridge may repeat an event
        return len(self.received) - before

    def _ended(self) -> Iterator[dict]:
        pages = self._states.get_paginator("list_executions").paginate(
            stateMachineArn=self._state_machine, PaginationConfig={"PageSize": 1000}
        )
        for page in pages:
            for execution in page["executions"]:
                # The newest come first: by their start or their end, and this holds for both.
                if execution.get("stopDate", execution["startDate"]) < self._since:
                    return
                known = execution["executionArn"] in self._known
                if execution["status"] != "RUNNING" and not known:
                    yield execution

    def _describe(self, arn: str) -> dict:
        return self._states.describe_execution(executionArn=arn)


def read_answer(execution: dict) -> Answer | None:
    """Return the answer in an ended execution of one photo; None where it was of something else."""
    match json.loads(execution["input"]):
        case {"detail": {"object": {"key": str(key)}}}:  # S3's Object Created event
            pass
        case {"images": [{"s3_key": str(key)}]}:
            pass
        case _:
            return None
    error = execution.get("error", execution["status"])
    if execution["status"] == "SUCCEEDED":
        result = json.loads(execution["output"])["results"][0]
    elif error == "BatchFailed":  # since its photo did
        result = json.loads(execution["cause"])["first"]
    else:
        result = {"status": FAILED, "error": error}
    fields = {name: result.get(name) for name in ("label", "confidence", "error")}
    return Answer(key, execution["stopDate"].timestamp(), result["status"], **fields)
