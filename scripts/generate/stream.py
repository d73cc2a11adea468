"""A stream of photos that arrive at random, and the time from each arrival to its answer."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import numpy as np
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.table import Table

from handlers.outcomes import FAILED, STATUSES
from scripts.generate import bad_images
from scripts.generate.photos import ARRIVAL, CONTENT_TYPE, PhotoSource, Problems
from service import terminal
from service.keys import GENERATED
from service.stack import Cloud, Stack

PREFIX = f"incoming/{GENERATED}"  # plugins/retention.js lets the objects below it expire
# An empty file below incoming/ is a folder, and has no answer.
BAD_KINDS = tuple(kind for kind in bad_images.KINDS if kind != bad_images.EMPTY)
SENDERS = 256  # most photos on their way at once
DESCRIBERS = 8
POLL_SECONDS = 1.0
PATIENCE_SECONDS = 120  # without any answer; an execution that waits longer to retry counts as none
CLOCK_DIFFERENCE = timedelta(seconds=60)  # at most, of the cloud's clock and this machine's

NO_ANSWER, NOT_SENT = "no answer", "failed to send"
PERCENTILES = {"p50": 50, "p95": 95, "p99": 99, "max": 100}


def run(cloud: Cloud, stack: Stack, source: PhotoSource, rate: float, duration: float) -> None:
    """Send a stream, wait for its answers, and print how many came, and how soon.

    rate: photos a second, on average; duration: seconds. Raises UserError where a photo did not
    end as it should.
    """
    began = datetime.now(UTC)
    prefix = f"{PREFIX}stream-{source.seed}-{began:%Y%m%d-%H%M%S}/"
    times = draw_arrival_times(rate, duration, source.seed)
    terminal.print_line("Stream", f"{len(times):,} arrivals in {duration:g} s")
    terminal.print_line("Photos", source.describe())
    terminal.print_line("Keys", f"s3://{stack.bucket}/{prefix}")
    drawn = [source[number] for number in range(len(times))]
    photos = {prefix + photo.name: photo for photo in drawn}
    s3 = cloud.client("s3", connections=SENDERS)

    def put(key: str) -> None:
        body = photos[key].make()
        s3.put_object(Bucket=stack.bucket, Key=key, Body=body, ContentType=CONTENT_TYPE)

    arrivals = dict(zip(photos, (time.time() + times).tolist(), strict=True))
    errors = send(put, arrivals)
    # DescribeExecution allows 10 to 15 calls a second for a whole account: in this mode the client
    # slows down as soon as AWS throttles it.
    patient = Config(
        retries={"mode": "adaptive", "total_max_attempts": 10}, max_pool_connections=DESCRIBERS
    )
    states = cloud.session.client("stepfunctions", config=patient)
    answers = collect(states, stack.state_machine, began, photos.keys() - errors.keys())
    results, problems = [], Problems()
    for key, photo in photos.items():
        result = {"s3_key": key, "status": NO_ANSWER}
        if key in errors:
            result |= {"status": NOT_SENT, "error": errors[key]}
        if key in answers:
            result, stopped = answers[key]
            result["seconds"] = stopped - arrivals[key]
        results.append(result)
        problems.check(result, photo.error)
    print()
    terminal.show(to_table(results))
    problems.raise_if_any()


def draw_arrival_times(rate: float, duration: float, seed: int) -> np.ndarray:
    """Return a Poisson process of `rate` a second: seconds, ascending, below `duration`."""
    rng = np.random.default_rng([seed, ARRIVAL])
    return np.sort(rng.uniform(0, duration, rng.poisson(rate * duration)))


def send(put: Callable[[str], None], arrivals: dict[str, float]) -> dict[str, str]:
    """Call `put` with each key at its arrival, in seconds of the epoch; return the errors."""
    errors = {}

    def attempt(key: str) -> None:
        try:
            put(key)
        except (BotoCoreError, ClientError) as error:
            errors[key] = terminal.explain(error) or str(error)

    with ThreadPoolExecutor(SENDERS) as pool:
        sendings = []
        for key in terminal.track(arrivals, "Send", len(arrivals), "photos"):
            time.sleep(max(0.0, arrivals[key] - time.time()))
            sendings.append(pool.submit(attempt, key))
    for sending in sendings:
        sending.result()  # raises any other exception
    return errors


def collect(
    states, state_machine: str, since: datetime, keys: set[str]
) -> dict[str, tuple[dict, float]]:
    """Wait for the answers to the photos of these keys, until all are there or none came for long.

    ListExecutions names the executions that ended, and DescribeExecution the photo of each. since:
    when the first photo was sent. Returns {key: (result, seconds of the epoch when it ended)}.
    """
    answers: dict[str, tuple[dict, float]] = {}
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
                result = read_result(execution)
                key = result["s3_key"]
                if key in keys and key not in answers:  # EventBridge may repeat an event
                    answers[key] = result, execution["stopDate"].timestamp()
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


def read_result(execution: dict) -> dict:
    """Return the result of the photo whose event from S3 started an execution that has ended.

    Its s3_key is None for any other execution. Where the execution itself failed, the error is
    the execution's.
    """
    match json.loads(execution["input"]):
        case {"detail": {"object": {"key": str(key)}}}:
            pass
        case _:
            return {"s3_key": None}
    error = execution.get("error", execution["status"])
    if execution["status"] == "SUCCEEDED":
        return json.loads(execution["output"])["results"][0]
    if error == "BatchFailed":  # because its only photo failed
        return json.loads(execution["cause"])["first"]
    return {"s3_key": key, "status": FAILED, "error": error}


def to_table(results: Sequence[dict]) -> Table:
    """Return a table of photos by status: their share, and percentiles of `seconds`."""
    rows = []
    for status in (*STATUSES, NO_ANSWER, NOT_SENT):
        own = [result for result in results if result["status"] == status]
        share = f"{len(own) / max(len(results), 1):.1%}"
        rows.append((status, f"{len(own):,}", share, *_show_percentiles(own)))
    foot = ("all", f"{len(results):,}", "", *_show_percentiles(results))
    header = ("arrival to answer", "photos", "share", *PERCENTILES)
    return terminal.table(header, rows, right=range(1, len(header)), foot=[foot])


def _show_percentiles(results: Sequence[dict]) -> list[str]:
    seconds = [result["seconds"] for result in results if "seconds" in result]
    if not seconds:
        return [""] * len(PERCENTILES)
    return [f"{each:.2f} s" for each in np.percentile(seconds, list(PERCENTILES.values()))]
