"""When images arrive: a Poisson process, as of many senders who do not know of each other."""

import math

import numpy as np

from scripts.generator.source import Purpose


def times(rate: float, duration: float, seed: int) -> np.ndarray:
    """Return the arrivals' times, seconds from the beginning, ascending, below `duration`.

    rate: the mean number a second. Gaps are exponential; the same seed gives the same times.
    """
    rng = np.random.default_rng([seed, Purpose.ARRIVAL])
    block = math.ceil(rate * duration) + 1
    arrivals = np.cumsum(rng.exponential(1 / rate, block))
    while arrivals[-1] < duration:
        more = arrivals[-1] + np.cumsum(rng.exponential(1 / rate, block))
        arrivals = np.concatenate([arrivals, more])
    return arrivals[arrivals < duration]
