import threading
import time

import numpy as np
import pytest

from scripts.generate import sending
from scripts.generate.sending import MADE_AHEAD, OpenLoop


def test_arrivals_are_ascending_within_the_duration_and_the_seeds_own():
    times = sending.draw_arrival_times(20, 60, seed=1)
    assert np.all(np.diff(times) > 0)
    assert times[0] > 0
    assert times[-1] < 60
    gaps = np.diff(sending.draw_arrival_times(50, 400, seed=3))  # exponential
    assert (gaps.mean(), gaps.std()) == pytest.approx((1 / 50, 1 / 50), rel=0.05)
    np.testing.assert_array_equal(times, sending.draw_arrival_times(20, 60, seed=1))
    assert not np.array_equal(times[:10], sending.draw_arrival_times(20, 60, seed=2)[:10])


def test_the_whole_duration_is_filled_also_where_few_arrive():
    for seed in range(30):
        assert all(time < 3 for time in sending.draw_arrival_times(0.5, 3, seed))
        times = sending.draw_arrival_times(30, 100, seed)
        assert np.histogram(times, bins=10, range=(0, 100))[0].min() > 200


def wait_for(loop: OpenLoop) -> None:
    deadline = time.monotonic() + 10
    while loop.running:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_service_that_hangs_does_not_slow_the_arrivals():
    times = [0.002 * number for number in range(40)]
    begun, go_on = [], threading.Event()

    def send(number: int, body: bytes) -> None:
        begun.append((number, body))
        go_on.wait(5)

    loop = OpenLoop(times, lambda number: b"%d" % number, send)
    loop.start()
    deadline = time.monotonic() + 5
    while len(begun) < 40 and time.monotonic() < deadline:
        time.sleep(0.005)
    # All have begun, though none of them has ended.
    assert sorted(begun) == [(number, b"%d" % number) for number in range(40)]
    assert loop.sendings == []
    go_on.set()
    wait_for(loop)
    assert len(loop.sendings) == 40
    assert max(sending.late for sending in loop.sendings) < 1


def test_due_times_are_the_schedules_and_lateness_counts_from_them():
    loop = OpenLoop([0.0, 0.05], lambda _: b"", lambda *_: None)
    before = time.time()
    loop.start()
    wait_for(loop)
    first, second = sorted(loop.sendings, key=lambda sending: sending.number)
    assert second.due - first.due == pytest.approx(0.05)
    assert before <= first.due <= time.time()
    assert all(sending.late >= 0 for sending in loop.sendings)


def test_what_takes_long_to_make_is_late_and_says_so():
    slow = MADE_AHEAD + 1  # not among those that are ready before the first

    def make(number: int) -> bytes:
        time.sleep(0.15 * (number == slow))
        return b""

    loop = OpenLoop([0.0] * (slow + 1), make, lambda *_: None)
    loop.start()
    wait_for(loop)
    late = {sending.number: sending.late for sending in loop.sendings}
    assert late[slow] > 0.1


def test_an_error_is_that_images_own():
    def send(number: int, _: bytes) -> None:
        if number == 1:
            raise RuntimeError("no")

    loop = OpenLoop([0.0, 0.0, 0.0], lambda _: b"", send)
    loop.start()
    wait_for(loop)
    errors = {sending.number: sending.error for sending in loop.sendings}
    assert errors == {0: None, 1: "RuntimeError: no", 2: None}


def test_stopped_it_sends_no_more_and_waits_for_those_on_their_way():
    first = threading.Event()

    def send(number: int, _: bytes) -> None:
        first.set()
        time.sleep(0.05)

    loop = OpenLoop([0.0, 60.0], lambda _: b"", send)
    loop.start()
    assert first.wait(5)
    loop.stop()
    assert not loop.running
    assert [sending.number for sending in loop.sendings] == [0]
