"""Time as the pictures cut and write it: spans of a length people use, dates in UTC."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

LENGTHS = {
    "minute": "1min",
    "5 minutes": "5min",
    "15 minutes": "15min",
    "hour": "1h",
    "3 hours": "3h",
    "6 hours": "6h",
    "day": "1D",
    "week": "7D",
}
MOST = 60
FEWEST_IMAGES = 20  # in a span, on average: fewer say more about chance than about time


@dataclass(frozen=True)
class Spans:
    """A table's rows by span: `length` in words, each span's middle, and each row's span."""

    length: str
    middles: np.ndarray  # datetime64, one a span that has rows
    of_row: np.ndarray  # int, N, an index into the middles


def cut(times: pd.Series) -> Spans:
    """Cut the times (not empty) into spans of the shortest length that is not too fine for them."""
    first, last = times.min(), times.max()
    most = min(MOST, max(1, len(times) // FEWEST_IMAGES))
    fitting = (name for name, step in LENGTHS.items() if last - first <= most * pd.Timedelta(step))
    length = next(fitting, "week")
    step = LENGTHS[length]
    starts, of_row = np.unique(naive(times.dt.floor(step)), return_inverse=True)
    return Spans(length, starts + pd.Timedelta(step).to_timedelta64() / 2, of_row)


def axis(axes: Axes, times: pd.Series, width: float) -> None:
    """Make x a time axis that shows all of the times (not empty)."""
    first, last = naive(times).min(), naive(times).max()
    margin = max((last - first) / 50, np.timedelta64(30, "s"))
    axes.set_xlim(first - margin, last + margin)
    locator = AutoDateLocator(minticks=3, maxticks=5 if width < 4 else 9)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.set_xlabel("time (UTC)", loc="left")  # the day stands at the right


def naive(times: pd.Series) -> np.ndarray:
    """Return times in UTC as numpy has them, without a zone."""
    return times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]")
