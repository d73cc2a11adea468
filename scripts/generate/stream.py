"""A stream of photos that arrive at random, and the time from each arrival to its answer."""

import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from scripts.generate import bad_images, sending
from scripts.generate.answers import Answers
from scripts.generate.photos import CONTENT_TYPE, PhotoSource
from scripts.generate.report import Report, make_record
from scripts.generate.sending import SENDERS, OpenLoop
from service import terminal
from service.keys import GENERATED
from service.stack import Cloud, Stack

INCOMING, CLASSIFY = "incoming", "classify"
# plugins/retention.js lets the objects below these expire.
PREFIXES = {INCOMING: f"incoming/{GENERATED}", CLASSIFY: GENERATED}
POLL_SECONDS = 1.0
PATIENCE_SECONDS = 120  # without any answer: an execution's retries take less


def find_bad_kinds(to: str) -> tuple[str, ...]:
    """Return the kinds of bad images that get an answer there."""
    return tuple(kind for kind in bad_images.KINDS if to != INCOMING or kind != bad_images.EMPTY)


def run(
    cloud: Cloud, stack: Stack, source: PhotoSource, rate: float, duration: float, to: str
) -> Report:
    """Send the stream, wait for its answers, and return the report.

    rate: photos a second, on average; duration: seconds; to: INCOMING or CLASSIFY. On Ctrl-C
    it sends no more, and the report is `interrupted`.
    """
    began = datetime.now(UTC)
    name = f"stream-{source.seed}-{began:%Y%m%d-%H%M%S}"
    prefix = f"{PREFIXES[to]}{name}/"
    times = sending.draw_arrival_times(rate, duration, source.seed)
    terminal.print_line("Stream", f"{len(times):,} arrivals in {duration:g} s to {to}")
    terminal.print_line("Photos", source.describe())
    terminal.print_line("Keys", f"s3://{stack.bucket}/{prefix}")
    keys = [prefix + source[number].name for number in range(len(times))]
    send = _make_sender(cloud, stack, to, name, keys)
    loop = OpenLoop(times, lambda number: source[number].make(), send)
    answers = Answers(cloud, stack.state_machine, began, keys)
    interrupted = False
    loop.start()
    try:
        collect(loop, answers, keys)
    except KeyboardInterrupt:
        interrupted = True
        loop.stop()
        answers.receive()
    records = []
    for each in sorted(loop.sendings, key=lambda each: each.number):
        key = keys[each.number]
        answer = answers.received.get(key)
        records.append(make_record(source[each.number], each, key, answer, interrupted))
    return Report(name, source.seed, to, rate, duration, records, interrupted)


def collect(loop: OpenLoop, answers: Answers, keys: Sequence[str]) -> None:
    """Wait until every photo that was sent has its answer, or none came for long."""
    progress_at = time.monotonic()
    with terminal.progress_bar("Answered", len(keys), "photos") as advance:
        while True:
            running, asked_at = loop.running, time.monotonic()
            new = answers.receive()
            advance(new)
            sent = {keys[each.number] for each in list(loop.sendings) if each.error is None}
            if not running and not sent - answers.received.keys():
                return
            if running or new:
                progress_at = time.monotonic()
            if time.monotonic() - progress_at > PATIENCE_SECONDS:
                return
            # As long as the calls took, so that they are never most of the cloud's work.
            time.sleep(max(POLL_SECONDS, time.monotonic() - asked_at))


def _make_sender(
    cloud: Cloud, stack: Stack, to: str, name: str, keys: Sequence[str]
) -> Callable[[int, bytes], None]:
    """Return a function that uploads a photo, and starts its execution unless EventBridge does."""
    s3 = cloud.client("s3", connections=SENDERS)
    states = cloud.client("stepfunctions", connections=SENDERS)

    def send(number: int, body: bytes) -> None:
        key = keys[number]
        s3.put_object(Bucket=stack.bucket, Key=key, Body=body, ContentType=CONTENT_TYPE)
        if to == CLASSIFY:
            states.start_execution(
                stateMachineArn=stack.state_machine,
                name=f"{name}-{number:07d}",
                input=json.dumps({"images": [{"s3_key": key}]}),
            )

    return send
