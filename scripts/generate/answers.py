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
CLOCK_DIFFERENCE = timedelta(seconds=60)  # at most, of the cloud's clock and this machine's


@dataclass(frozen=True)
class Answer:
    """How a photo ended. status: one of STATUSES; FAILED has an error.

    stopped: the end of its execution by the cloud's clock, in seconds of the epoch.
    """

    key: str
    stopped: float
    status: str
    label: str | None = None
    confidence: float | None = None
    error: str | None = None


class Answers:
    """The answers to photos of these keys, in `received` by key, as executions end.

    ListExecutions names the executions, and DescribeExecution the photo of each, no matter whether
    EventBridge or a command started it. `since`: the time when the first photo was sent.
    """

    def __init__(self, cloud: Cloud, state_machine: str, since: datetime, keys: Iterable[str]):
        # DescribeExecution allows 10 to 15 calls a second for a whole account: in this mode the
        # client slows down as soon as AWS throttles it.
        config = Config(
            retries={"mode": "adaptive", "total_max_attempts": 10}, max_pool_connections=DESCRIBERS
        )
        self._states = cloud.session.client("stepfunctions", config=config)
        self._state_machine = state_machine
        self._since = since - CLOCK_DIFFERENCE
        self._keys = frozenset(keys)
        self._described: set[str] = set()
        self.received: dict[str, Answer] = {}

    def receive(self) -> int:
        """Add the answers that came since the last call, and return their number."""
        before = len(self.received)
        arns = list(self._find_new())
        with ThreadPoolExecutor(DESCRIBERS) as pool:
            executions = list(pool.map(self._describe, arns))
        # Only now: if a call has failed, all are described again.
        self._described.update(arns)
        for answer in map(read_answer, executions):
            if answer and answer.key in self._keys:
                self.received.setdefault(answer.key, answer)  # EventBridge may repeat an event
        return len(self.received) - before

    def _find_new(self) -> Iterator[str]:
        """Yield the ARNs of executions that have ended and were not described yet."""
        pages = self._states.get_paginator("list_executions").paginate(
            stateMachineArn=self._state_machine, PaginationConfig={"PageSize": 1000}
        )
        for page in pages:
            for execution in page["executions"]:
                # The newest come first: by their start or their end, and this holds for both.
                if execution.get("stopDate", execution["startDate"]) < self._since:
                    return
                arn = execution["executionArn"]
                if execution["status"] != "RUNNING" and arn not in self._described:
                    yield arn

    def _describe(self, arn: str) -> dict:
        return self._states.describe_execution(executionArn=arn)


def read_answer(execution: dict) -> Answer | None:
    """Return the answer in an ended execution of one photo; None for any other execution."""
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
    elif error == "BatchFailed":  # because its only photo failed
        result = json.loads(execution["cause"])["first"]
    else:
        result = {"status": FAILED, "error": error}
    fields = {name: result.get(name) for name in ("label", "confidence", "error")}
    return Answer(key, execution["stopDate"].timestamp(), result["status"], **fields)
