"""A stream of photos that arrive at random, and the time from each arrival to its answer."""

import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.table import Table

from handlers.outcomes import FAILED, LABELLED
from scripts.generate import bad_images
from scripts.generate.photos import CONTENT_TYPE, GeneratedPhoto, PhotoSource, Purpose
from service import terminal
from service.keys import GENERATED
from service.stack import Cloud, Stack

PREFIX = f"incoming/{GENERATED}"  # plugins/retention.js lets the objects below it expire
# An empty file below incoming/ is a folder, and has no answer.
BAD_KINDS = tuple(kind for kind in bad_images.KINDS if kind != bad_images.EMPTY)
SENDERS = 256  # most photos on their way at once
DESCRIBERS = 8
POLL_SECONDS = 1.0
PATIENCE_SECONDS = 120  # without any answer: an execution's retries take less
CLOCK_DIFFERENCE = timedelta(seconds=60)  # at most, of the cloud's clock and this machine's

REFUSED, UNEXPECTED, LOST = "failed as expected", "unexpected", "no answer"
NOT_SENT = "failed to send"
PROBLEMS = (UNEXPECTED, LOST, NOT_SENT)
OUTCOMES = (*LABELLED, REFUSED, *PROBLEMS)
PERCENTILES = {"p50": 50, "p95": 95, "p99": 99, "max": 100}


class Answer(NamedTuple):
    """When a photo's execution stopped by the cloud's clock, seconds of the epoch, and its result.

    The result is one of `classify`; of an execution that failed itself it has status and error.
    """

    stopped: float
    result: dict


@dataclass(frozen=True)
class Record:
    """A photo of the stream, as the JSON report holds it.

    label: its class; bad: its kind in bad_images.KINDS. outcome: one of OUTCOMES; error: of its
    answer, or why it could not be sent. latency: seconds from its arrival by plan to its answer.
    said, confidence: the model's label, and how sure it is.
    """

    key: str
    label: str | None
    bad: str | None
    outcome: str
    error: str | None = None
    latency: float | None = None
    said: str | None = None
    confidence: float | None = None


def run(
    cloud: Cloud, stack: Stack, source: PhotoSource, rate: float, duration: float
) -> list[Record]:
    """Send the stream, wait for its answers, and return a record for each photo.

    rate: photos a second, on average; duration: seconds.
    """
    began = datetime.now(UTC)
    prefix = f"{PREFIX}stream-{source.seed}-{began:%Y%m%d-%H%M%S}/"
    times = draw_arrival_times(rate, duration, source.seed)
    terminal.print_line("Stream", f"{len(times):,} arrivals in {duration:g} s")
    terminal.print_line("Photos", source.describe())
    terminal.print_line("Keys", f"s3://{stack.bucket}/{prefix}")
    photos = [source[number] for number in range(len(times))]
    keys = [prefix + photo.name for photo in photos]
    s3 = cloud.client("s3", connections=SENDERS)

    def put(number: int) -> None:
        body = photos[number].make()
        s3.put_object(Bucket=stack.bucket, Key=keys[number], Body=body, ContentType=CONTENT_TYPE)

    arrivals = (time.time() + times).tolist()
    errors = send(put, arrivals)
    sent = {key for key, error in zip(keys, errors, strict=True) if error is None}
    # DescribeExecution allows 10 to 15 calls a second for a whole account: in this mode the client
    # slows down as soon as AWS throttles it.
    patient = Config(
        retries={"mode": "adaptive", "total_max_attempts": 10}, max_pool_connections=DESCRIBERS
    )
    states = cloud.session.client("stepfunctions", config=patient)
    answers = collect(states, stack.state_machine, began, sent)
    return [
        make_record(photo, key, arrival, error, answers.get(key))
        for photo, key, arrival, error in zip(photos, keys, arrivals, errors, strict=True)
    ]


def draw_arrival_times(rate: float, duration: float, seed: int) -> np.ndarray:
    """Return the arrivals' times, seconds from the beginning, ascending, below `duration`.

    rate: their mean number a second. Gaps are exponential; the same seed gives the same times.
    """
    rng = np.random.default_rng([seed, Purpose.ARRIVAL])
    block = math.ceil(rate * duration) + 1
    arrivals = np.cumsum(rng.exponential(1 / rate, block))
    while arrivals[-1] < duration:
        more = arrivals[-1] + np.cumsum(rng.exponential(1 / rate, block))
        arrivals = np.concatenate([arrivals, more])
    return arrivals[arrivals < duration]


def send(put: Callable[[int], None], arrivals: Sequence[float]) -> list[str | None]:
    """Call `put` with each number at its arrival, however long the calls before it take.

    arrivals: seconds of the epoch, ascending. Returns why each call failed, or None.
    """

    def attempt(number: int) -> str | None:
        try:
            put(number)
        except (BotoCoreError, ClientError) as error:
            return terminal.explain(error) or str(error)
        return None

    sendings = []
    with ThreadPoolExecutor(SENDERS) as pool:
        for number, arrival in enumerate(terminal.track(arrivals, "Send", len(arrivals), "photos")):
            time.sleep(max(0.0, arrival - time.time()))
            sendings.append(pool.submit(attempt, number))
    return [sending.result() for sending in sendings]


def collect(states, state_machine: str, since: datetime, keys: set[str]) -> dict[str, Answer]:
    """Wait for the answers to the photos of these keys, until all are there or none came for long.

    ListExecutions names the executions that ended, and DescribeExecution the photo of each. since:
    when the first photo was sent.
    """
    answers: dict[str, Answer] = {}
    described: set[str] = set()
    waits_until = time.monotonic() + PATIENCE_SECONDS
    with (
        ThreadPoolExecutor(DESCRIBERS) as pool,
        terminal.progress_bar("Answered", len(keys), "photos") as advance,
    ):
        while keys - answers.keys() and time.monotonic() < waits_until:
            new = [arn for arn in _list_ended(states, state_machine, since) if arn not in described]
            described.update(new)
            for execution in pool.map(lambda arn: states.describe_execution(executionArn=arn), new):
                key, answer = read_answer(execution)
                if key in keys and key not in answers:  # EventBridge may repeat an event
                    answers[key] = answer
                    advance()
                    waits_until = time.monotonic() + PATIENCE_SECONDS
            time.sleep(POLL_SECONDS)
    return answers


def _list_ended(states, state_machine: str, since: datetime) -> Iterator[str]:
    """Yield the ARNs of executions that have ended, of those that began since then."""
    pages = states.get_paginator("list_executions").paginate(
        stateMachineArn=state_machine, PaginationConfig={"PageSize": 1000}
    )
    for execution in pages.search("executions"):
        # The newest come first: by their start or their end, and this holds for both.
        if execution.get("stopDate", execution["startDate"]) < since - CLOCK_DIFFERENCE:
            return
        if execution["status"] != "RUNNING":
            yield execution["executionArn"]


def read_answer(execution: dict) -> tuple[str | None, Answer | None]:
    """Return the key and the answer of an execution that S3's event about a photo has started.

    Any other execution has neither.
    """
    match json.loads(execution["input"]):
        case {"detail": {"object": {"key": str(key)}}}:
            pass
        case _:
            return None, None
    error = execution.get("error", execution["status"])
    if execution["status"] == "SUCCEEDED":
        result = json.loads(execution["output"])["results"][0]
    elif error == "BatchFailed":  # because its only photo failed
        result = json.loads(execution["cause"])["first"]
    else:
        result = {"status": FAILED, "error": error}
    return key, Answer(execution["stopDate"].timestamp(), result)


def make_record(
    photo: GeneratedPhoto, key: str, arrival: float, error: str | None, answer: Answer | None
) -> Record:
    """Return the record of a photo. error: why it could not be sent."""
    if answer is None:
        return Record(key, photo.label, photo.bad, NOT_SENT if error else LOST, error)
    stopped, result = answer
    if result.get("error") != photo.error:
        outcome = UNEXPECTED
    else:
        outcome = REFUSED if photo.error else result["status"]
    return Record(
        key,
        photo.label,
        photo.bad,
        outcome,
        error=result.get("error"),
        latency=stopped - arrival,
        said=result.get("label"),
        confidence=result.get("confidence"),
    )


def find_problem(records: Sequence[Record]) -> str | None:
    """Return how many photos did not end as they should, with the first error; None if all did."""
    wrong = [record for record in records if record.outcome in PROBLEMS]
    if not wrong:
        return None
    counts = ", ".join(
        f"{count:,} {outcome}" for outcome in PROBLEMS if (count := _count(wrong, outcome))
    )
    first = next((f" (first: {record.error})" for record in wrong if record.error), "")
    return f"Of {len(records):,} photos, {counts}{first}."


def to_table(records: Sequence[Record]) -> Table:
    """Return a table with a row for each outcome: photos, their share, seconds to the answer."""
    rows = []
    for outcome in OUTCOMES:
        count = _count(records, outcome)
        seconds = measure_latency(each for each in records if each.outcome == outcome)
        rows.append((outcome, f"{count:,}", f"{count / max(len(records), 1):.1%}", *seconds))
    foot = ("all", f"{len(records):,}", "", *measure_latency(records))
    header = ("arrival to answer", "photos", "share", *PERCENTILES)
    return terminal.table(header, rows, right=range(1, len(header)), foot=[foot])


def measure_latency(records: Iterable[Record]) -> list[str]:
    """Return the PERCENTILES of the answered photos' latencies; empty texts if none is answered."""
    seconds = [record.latency for record in records if record.latency is not None]
    if not seconds:
        return [""] * len(PERCENTILES)
    return [f"{each:.2f} s" for each in np.percentile(seconds, list(PERCENTILES.values()))]


def _count(records: Sequence[Record], outcome: str) -> int:
    return sum(record.outcome == outcome for record in records)
