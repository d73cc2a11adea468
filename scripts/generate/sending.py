"""Sends photos at random times: the arrivals are a Poisson process."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np

from scripts.generate.photos import Purpose
from service import terminal

SENDERS = 256  # most photos on their way at once
MAKERS = 2
MADE_AHEAD = 64  # photos that are ready before their time, so that making one delays none


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


@dataclass(frozen=True)
class Sending:
    """An attempt to send a photo.

    due: its arrival by plan, in seconds of the epoch; late: seconds from then until its sending
    began; error: why it could not be sent, or None.
    """

    number: int
    due: float
    late: float
    error: str | None


class OpenLoop:
    """Sends photos at their times from a thread of its own, and records them in `sendings`.

    times: seconds from the beginning, ascending. make(number) gives a photo ahead of its time,
    send(number, photo) sends it; an exception is that photo's error.
    """

    def __init__(
        self,
        times: Sequence[float],
        make: Callable[[int], bytes],
        send: Callable[[int, bytes], None],
    ):
        self._times, self._make, self._send = times, make, send
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.sendings: list[Sending] = []

    def start(self) -> None:
        """Begin; the first photo arrives after its time from now."""
        self._thread.start()

    def stop(self) -> None:
        """Send no more, and wait for the photos on their way."""
        self._stopped.set()
        self._thread.join()

    @property
    def running(self) -> bool:
        """Whether there are photos to be sent, or on their way."""
        return self._thread.is_alive()

    def _run(self) -> None:
        total = len(self._times)
        with ThreadPoolExecutor(MAKERS) as makers, ThreadPoolExecutor(SENDERS) as senders:
            ahead = deque(makers.submit(self._make, n) for n in range(min(MADE_AHEAD, total)))
            wait(ahead)
            began, began_at = time.monotonic(), time.time()
            for number, offset in enumerate(self._times):
                if self._stopped.wait(max(0.0, began + offset - time.monotonic())):
                    makers.shutdown(cancel_futures=True)
                    return
                photo = ahead.popleft()
                senders.submit(self._attempt, number, began + offset, began_at + offset, photo)
                if number + MADE_AHEAD < total:
                    ahead.append(makers.submit(self._make, number + MADE_AHEAD))

    def _attempt(self, number: int, due: float, due_at: float, photo: Future[bytes]) -> None:
        error, late = None, 0.0
        try:
            body = photo.result()
            late = time.monotonic() - due
            self._send(number, body)
        except Exception as problem:  # the photo was not sent, and the others go on
            error = terminal.explain(problem) or f"{type(problem).__name__}: {problem}"
        self.sendings.append(Sending(number, due_at, late, error))
