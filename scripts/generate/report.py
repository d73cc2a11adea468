"""What became of the images of a stream, and how long each waited for its answer."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import numpy as np
from botocore.config import Config

from handlers.outcomes import FAILED, STATUSES
from scripts.generate.sending import Sending
from scripts.generate.source import GeneratedImage
from service import terminal
from service.stack import Cloud

DESCRIBERS = 8
CLOCKS_APART = timedelta(seconds=60)  # at most so much the cloud's clock is behind this machine's

# Arrivals later than this are no longer those of the plan.
LATE_SECONDS = 1.0

REFUSED, UNEXPECTED, LOST, NOT_SENT = "failed as expected", "unexpected", "lost", "not sent"
WAITING = "no answer yet"  # when the stream was interrupted; otherwise it is lost
ENDED_WELL = tuple(status for status in STATUSES if status != FAILED)
OUTCOMES = (*ENDED_WELL, REFUSED, UNEXPECTED, WAITING, LOST, NOT_SENT)
PERCENTILES = {"p50": 50, "p95": 95, "p99": 99, "max": 100}


@dataclass(frozen=True)
class Answer:
    """How an image ended: status is one of STATUSES; FAILED has an error.

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
    return {"status": FAILED, "error": error}


@dataclass(frozen=True)
class Record:
    """One image: what it was and what became of it.

    due, late: seconds, as in Sending. latency: seconds from its arrival to its answer, None
    without one. label is what it shows, said what the model took it for.
    """

    key: str
    label: str | None
    bad: str | None
    due: float
    late: float
    outcome: str
    latency: float | None = None
    said: str | None = None
    confidence: float | None = None
    error: str | None = None

    @classmethod
    def of(
        cls,
        image: GeneratedImage,
        sending: Sending,
        key: str,
        answer: Answer | None,
        interrupted: bool,
    ) -> "Record":
        """Return the record of an image, of how it was sent and of its answer."""
        known = (key, image.label, image.bad, sending.due, sending.late)
        if sending.error is not None:
            return cls(*known, NOT_SENT, error=sending.error)
        if answer is None:
            return cls(*known, WAITING if interrupted else LOST)
        return cls(
            *known,
            outcome=_outcome(image, answer),
            latency=answer.stopped - sending.due,
            said=answer.label,
            confidence=answer.confidence,
            error=answer.error,
        )


def _outcome(image: GeneratedImage, answer: Answer) -> str:
    if answer.error != image.error:
        return UNEXPECTED
    return REFUSED if image.error else answer.status


@dataclass(frozen=True)
class Report:
    """A stream that ended, or was interrupted; rate and duration are those of its plan."""

    name: str
    seed: int
    to: str
    rate: float
    duration: float
    records: Sequence[Record]
    interrupted: bool

    def count(self, outcome: str) -> int:
        """Return how many images ended so."""
        return sum(record.outcome == outcome for record in self.records)

    @property
    def latest(self) -> float:
        """By how many seconds the generator itself was late at most."""
        return max((record.late for record in self.records), default=0.0)

    @property
    def achieved_rate(self) -> float:
        """Images sent a second, from the first to the last; 0 where there were not two."""
        starts = [record.due + record.late for record in self.records if record.outcome != NOT_SENT]
        span = max(starts, default=0) - min(starts, default=0)
        return (len(starts) - 1) / span if span else 0.0

    def problem(self) -> str | None:
        """Return what is wrong with the stream or its answers, or None."""
        wrong = [
            f"{count:,} {words}"
            for outcome, words in (
                (LOST, "lost"),
                (NOT_SENT, "not sent"),
                (UNEXPECTED, "not answered as they should be"),
            )
            if (count := self.count(outcome))
        ]
        if wrong:
            first = next((f" (first: {r.error})" for r in self._wrong() if r.error), "")
            return f"Of {len(self.records):,} images, {', '.join(wrong)}{first}."
        if self.latest > LATE_SECONDS:
            return (
                f"This machine could not keep up: it sent images up to {self.latest:.1f} s late, "
                "so this was not the stream of the plan. Choose a lower --rate."
            )
        return None

    def render(self) -> str:
        """Return a table, a row an outcome, and the rate."""
        share = len(self.records) or 1
        rows = [
            (
                outcome,
                f"{self.count(outcome):,}",
                f"{self.count(outcome) / share:.1%}",
                *_told(latencies(self.records, outcome)),
            )
            for outcome in OUTCOMES
            if outcome != WAITING or self.interrupted
        ]
        foot = ("all", f"{len(self.records):,}", "", *_told(latencies(self.records)))
        header = ("arrival to answer", "images", "share", *PERCENTILES)
        return (
            terminal.render_table(header, rows, right=range(1, len(header)), foot=[foot])
            + f"\n\n{self.achieved_rate:.1f} images a second were sent, "
            f"the latest {1000 * self.latest:.0f} ms after its time"
        )

    def as_json(self) -> dict:
        """Return the whole as JSON holds it: the plan, counts, seconds and a record an image."""
        plan = ("name", "seed", "to", "rate", "duration", "interrupted")
        return {
            **{name: getattr(self, name) for name in plan},
            "counts": {outcome: self.count(outcome) for outcome in OUTCOMES},
            "latency": latencies(self.records),
            "achieved_rate": self.achieved_rate,
            "latest": self.latest,
            "images": [asdict(record) for record in self.records],
        }

    def _wrong(self) -> list[Record]:
        return [r for r in self.records if r.outcome in (LOST, NOT_SENT, UNEXPECTED)]


def latencies(records: Sequence[Record], outcome: str | None = None) -> dict[str, float] | None:
    """Return {name: seconds} of PERCENTILES over the answered images, or those that ended so.

    None where there are none.
    """
    seconds = [
        record.latency
        for record in records
        if record.latency is not None and outcome in (None, record.outcome)
    ]
    if not seconds:
        return None
    values = np.percentile(seconds, list(PERCENTILES.values()))
    return dict(zip(PERCENTILES, values.tolist(), strict=True))


def _told(seconds: dict[str, float] | None) -> list[str]:
    return [f"{value:.2f} s" for value in seconds.values()] if seconds else [""] * len(PERCENTILES)
