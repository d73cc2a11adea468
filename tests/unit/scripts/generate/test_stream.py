import threading
import time

import pytest

from scripts.generate import stream
from scripts.generate.answers import Answer
from scripts.generate.sending import OpenLoop
from scripts.generate.stream import Inbox

KEYS = ["r/0.jpg", "r/1.jpg", "r/2.jpg"]


def answer(key: str, error: str | None = None) -> Answer:
    return Answer(key, 100.0, "failed" if error else "accepted", error=error)


class Given:
    """Answers that come in the given portions, one at each call."""

    def __init__(self, *portions: list[Answer]):
        self._portions = iter(portions)

    def receive(self) -> list[Answer]:
        return next(self._portions, [])


class AnswerOnce:
    """The answer to the first image, as soon as the event has happened."""

    def __init__(self, event: threading.Event):
        self._event = event

    def receive(self) -> list[Answer]:
        return [answer(KEYS[0])] if self._event.is_set() else []


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(stream, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(stream, "PATIENCE_SECONDS", 0.1)


def sent() -> OpenLoop:
    loop = OpenLoop([0.0, 0.0, 0.0], lambda _: b"", lambda *_: None)
    loop.start()
    return loop


def test_answers_are_taken_in_by_number_and_those_of_others_passed_over():
    inbox = Inbox(Given([answer("r/2.jpg"), answer("elsewhere/0.jpg")]), KEYS)
    assert inbox.receive() == 1
    assert list(inbox.received) == [2]


def test_of_two_answers_to_one_image_the_first_counts():
    inbox = Inbox(Given([answer("r/0.jpg")], [answer("r/0.jpg", "Late")]), KEYS)
    assert (inbox.receive(), inbox.receive()) == (1, 0)
    assert inbox.received[0].error is None


def test_it_waits_until_every_image_has_its_answer():
    portions = ([], [answer(KEYS[0])], [], [answer(KEYS[1])], [], [answer(KEYS[2])])
    inbox = Inbox(Given(*portions), KEYS)
    stream.collect(sent(), inbox)
    assert set(inbox.received) == {0, 1, 2}


def test_it_gives_up_on_an_answer_that_never_comes():
    inbox = Inbox(Given([answer(KEYS[0])], [answer(KEYS[1])]), KEYS)
    began = time.monotonic()
    stream.collect(sent(), inbox)
    assert set(inbox.received) == {0, 1}
    assert time.monotonic() - began >= 0.1


def test_it_does_not_give_up_while_images_are_still_being_sent():
    go_on = threading.Event()
    loop = OpenLoop([0.0], lambda _: b"", lambda *_: go_on.wait(5))
    loop.start()
    threading.Timer(0.3, go_on.set).start()  # longer than it waits for an answer
    inbox = Inbox(AnswerOnce(go_on), KEYS)
    stream.collect(loop, inbox)
    assert set(inbox.received) == {0}
