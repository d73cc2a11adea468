"""Each image's confidence when it was classified, and what is usual at that time."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from scripts.monitoring.plots import nines, spans, style

LINES = {
    "median": (0.5, {"color": style.INK, "linestyle": "-"}),
    "lowest tenth": (0.1, {"color": style.INK, "linestyle": ":"}),
}


@style.styled
def draw(frame: pd.DataFrame, threshold: float, width: float = style.WIDE) -> Figure:
    """Points for images; their running median and 10 % quantile; the threshold."""
    if frame.empty:
        return style.sentence("No images in this span of time.", width)
    picture, axes = style.figure(width, 3.3)
    confidence = pd.Series(nines.clipped(frame["confidence"]))
    axes.plot(
        spans.naive(frame["time"]),
        confidence,
        linestyle="",
        marker="o",
        markersize=3,
        markeredgewidth=0,
        color=style.BLUE,
        alpha=float(np.clip(90 * width / len(frame), 0.04, 0.6)),
        rasterized=True,  # a hundred thousand points as vectors would be megabytes
    )
    axes.plot([], [], "o", markersize=4, color=style.BLUE, label="an image")
    by_span = spans.cut(frame["time"])
    for name, (quantile, line) in LINES.items():
        values = confidence.groupby(by_span.of_row).quantile(quantile)
        axes.plot(
            by_span.middles, values, marker="." if len(values) < 3 else "", label=name, **line
        )
    axes.axhline(threshold, label=f"threshold {threshold:g}", **style.THRESHOLD)
    nines.apply(axes, "y", confidence.min())
    spans.axis(axes, frame["time"], width)
    axes.set_ylabel("confidence")
    style.legend(picture, axes, style.columns(width))
    return picture
