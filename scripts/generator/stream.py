"""Images that arrive one by one at random, and the time from each one's arrival to its answer."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from tqdm import tqdm

from scripts import cli
from scripts.cloud import Cloud, Stack
from scripts.generator import arrivals
from scripts.generator.answers import Answer, Answers
from scripts.generator.report import Record, Report
from scripts.generator.sending import SENDERS, OpenLoop
from scripts.generator.source import CONTENT_TYPE, ImageSource

INCOMING, CLASSIFY = "incoming", "classify"
PREFIXES = {INCOMING: "incoming/", CLASSIFY: "generated/"}
POLL_SECONDS = 1.0
# An execution that retries has gone on for less than this without any other's end.
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Plan:
    """rate: images a second, on average; duration: seconds; to: INCOMING or CLASSIFY."""

    rate: float
    duration: float
    to: str


def run(cloud: Cloud, stack: Stack, source: ImageSource, plan: Plan) -> Report:
    """Send the stream, wait for its answers, and return what happened.

    On Ctrl-C it sends no more and returns what happened until then, `interrupted`.
    """
    began = datetime.now(UTC)
    name = f"stream-{source.seed}-{began:%Y%m%d-%H%M%S}"
    prefix = f"{PREFIXES[plan.to]}{name}/"
    times = arrivals.times(plan.rate, plan.duration, source.seed)
    cli.say("Stream", f"{len(times):,} arrivals in {plan.duration:g} s to {plan.to}")
    cli.say("Images", source.told())
    cli.say("Keys", f"s3://{stack.bucket}/{prefix}")
    loop = OpenLoop(
        times, lambda number: source[number].make(), _sender(cloud, stack, source, plan, prefix)
    )
    answers = Answers(cloud, stack.state_machine, began)
    received: dict[str, Answer] = {}
    interrupted = False
    loop.start()
    try:
        _collect(loop, answers, received, prefix, len(times))
    except KeyboardInterrupt:
        interrupted = True
        loop.stop()
        _receive(answers, received, prefix)
    records = [
        Record.of(source[sending.number], sending, prefix, received)
        for sending in sorted(loop.sendings, key=lambda sending: sending.number)
    ]
    return Report(name, source.seed, plan.to, plan.rate, plan.duration, records, interrupted)


def _sender(
    cloud: Cloud, stack: Stack, source: ImageSource, plan: Plan, prefix: str
) -> Callable[[int, bytes], None]:
    """Return what uploads an image, and starts an execution for it where nobody else does."""
    s3 = cloud.client("s3", connections=SENDERS)
    states = cloud.client("stepfunctions", connections=SENDERS)
    run_name = prefix.split("/")[1]

    def send(number: int, body: bytes) -> None:
        image = source[number]
        key = prefix + image.name
        s3.put_object(Bucket=stack.bucket, Key=key, Body=body, ContentType=CONTENT_TYPE)
        if plan.to == CLASSIFY:
            states.start_execution(
                stateMachineArn=stack.state_machine,
                name=f"{run_name}-{number:07d}",
                input=json.dumps({"images": [{"s3_key": key}]}),
            )

    return send


def _collect(
    loop: OpenLoop, answers: Answers, received: dict[str, Answer], prefix: str, total: int
) -> None:
    """Wait until every image that was sent has its answer, or none came for long."""
    progress_at = time.monotonic()
    with tqdm(total=total, desc="Answered", unit="image", disable=None) as bar:
        while True:
            running, asked_at = loop.running, time.monotonic()
            if new := _receive(answers, received, prefix):
                progress_at = time.monotonic()
            bar.update(new)
            sent = sum(sending.error is None for sending in list(loop.sendings))
            bar.set_postfix(sent=sent, waiting=sent - len(received))
            if not running and len(received) >= sent:
                return
            if running:
                progress_at = time.monotonic()
            if time.monotonic() - progress_at > PATIENCE_SECONDS:
                return
            # As long as it took to ask, so that asking is never most of what the cloud does.
            time.sleep(max(POLL_SECONDS, time.monotonic() - asked_at))


def _receive(answers: Answers, received: dict[str, Answer], prefix: str) -> int:
    """Add the new answers below the prefix by key and return their number."""
    before = len(received)
    for answer in answers.new():
        if answer.key.startswith(prefix):
            received.setdefault(answer.key, answer)  # EventBridge may tell of an image twice
    return len(received) - before
