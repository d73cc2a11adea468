"""The share of images that pass the threshold, over time."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from scripts.monitoring.plots import spans, style


@style.styled
def draw(frame: pd.DataFrame, threshold: float, width: float = style.WIDE) -> Figure:
    """The share accepted by span of time with Wilson's 95 % band; the whole time's share."""
    if frame.empty:
        return style.sentence("No images in this span of time.", width)
    picture, axes = style.figure(width, 2.8)
    accepted = frame["confidence"].to_numpy() >= np.float32(threshold)
    by_span = spans.cut(frame["time"])
    count = np.bincount(by_span.of_row)
    right = np.bincount(by_span.of_row, weights=accepted)
    low, high = style.intervals(right, count)
    interval = {"color": style.BLUE, "alpha": 0.22, "linewidth": 0, "label": "95% interval"}
    if len(count) == 1:  # a band needs two spans
        whiskers = [right / count - low, high - right / count]
        bar = {"linestyle": "", "capsize": 4, "color": style.BLUE, "label": interval["label"]}
        axes.errorbar(by_span.middles, right / count, yerr=whiskers, **bar)
    else:
        axes.fill_between(by_span.middles, low, high, **interval)
    line = {"color": style.BLUE, "marker": "o", "markersize": 3.5, "linewidth": 1.4}
    axes.plot(by_span.middles, right / count, label=f"accepted, per {by_span.length}", **line)
    whole = accepted.mean()
    overall = {"color": style.INK, "linestyle": ":", "linewidth": 1.4}
    axes.axhline(whole, label=f"whole time: {style.share(whole)}", **overall)
    axes.set_ylim(0, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    spans.axis(axes, frame["time"], width)
    axes.set_ylabel("accepted")
    style.legend(picture, axes, style.columns(width))
    return picture
