import threading
import time

import pytest

from scripts.generate import stream
from scripts.generate.sending import OpenLoop

KEYS = ["r/0.jpg", "r/1.jpg", "r/2.jpg"]


class Given:
    """Answers to so many more photos at each call, in the order of KEYS."""

    def __init__(self, *counts: int):
        self._counts = iter(counts)
        self.received: dict[str, object] = {}

    def receive(self) -> int:
        new = KEYS[len(self.received) :][: next(self._counts, 0)]
        self.received |= dict.fromkeys(new)
        return len(new)


def test_a_file_without_bytes_is_a_bad_image_but_below_incoming_where_it_starts_nothing():
    everywhere = set(stream.find_bad_kinds("classify"))
    assert "empty" in everywhere
    assert set(stream.find_bad_kinds("incoming")) == everywhere - {"empty"}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(stream, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(stream, "PATIENCE_SECONDS", 0.1)


def start(count: int = 3, send=lambda *_: None) -> OpenLoop:
    loop = OpenLoop([0.0] * count, lambda _: b"", send)
    loop.start()
    return loop


def test_it_waits_until_every_photo_has_its_answer():
    answers = Given(0, 1, 0, 1, 0, 1)
    stream.collect(start(), answers, KEYS)
    assert set(answers.received) == set(KEYS)


def test_it_gives_up_on_an_answer_that_never_comes():
    answers = Given(1, 1)
    began = time.monotonic()
    stream.collect(start(), answers, KEYS)
    assert set(answers.received) == set(KEYS[:2])
    assert time.monotonic() - began >= 0.1


def test_it_does_not_give_up_while_photos_are_still_being_sent():
    go_on = threading.Event()
    loop = start(1, lambda *_: go_on.wait(5))
    threading.Timer(0.3, go_on.set).start()  # longer than it waits for an answer
    answers = Given(*[0] * 20, 1)
    stream.collect(loop, answers, KEYS[:1])
    assert set(answers.received) == set(KEYS[:1])
