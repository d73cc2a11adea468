"""How long the endpoint takes to answer, over time."""

from collections.abc import Sequence
from datetime import datetime

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from scripts.monitoring.plots import spans, style

LINES = {
    "p50 (half are faster)": {"color": style.BLUE, "linestyle": "-", "marker": "o"},
    "p95": {"color": style.ORANGE, "linestyle": "--", "marker": "s"},
    "p99": {"color": style.VERMILION, "linestyle": ":", "marker": "^"},
}

Datapoint = tuple[datetime, float, float, float]


@style.styled
def draw(datapoints: Sequence[Datapoint], width: float = style.WIDE) -> Figure:
    """Percentiles over time; a datapoint is its time (UTC) and p50, p95 and p99 in milliseconds."""
    if not datapoints:
        return style.sentence(
            "CloudWatch has no latencies of the endpoint in this span of time.", width
        )
    times, *percentiles = zip(*sorted(datapoints), strict=True)
    picture, axes = style.figure(width, 2.6)
    times = pd.Series(pd.to_datetime(list(times), utc=True))
    marked = len(times) <= 20 * width  # more marks than this would touch
    for (name, line), values in zip(LINES.items(), percentiles, strict=True):
        axes.plot(
            spans.naive(times), values, label=name, linewidth=1.5, markersize=3.5 * marked, **line
        )
    axes.set_yscale("log")
    lowest, highest = min(percentiles[0]), max(percentiles[2])
    axes.set_ylim(lowest / 1.5, highest * 1.5)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.set_ylabel("milliseconds")
    spans.axis(axes, times, width)
    style.legend(picture, axes, style.columns(width))
    return picture
