"""Whether a confidence keeps its promise: of images at 90 %, 90 % should be right."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from scripts.monitoring.plots import style
from scripts.monitoring.report import Accuracy


@style.styled
def draw(accuracy: Accuracy | None, width: float = style.HALF) -> Figure:
    """Accuracy by confidence, in bins of labelled images, with 95 % intervals."""
    if accuracy is None or not accuracy.reliability:
        return style.sentence("Drawn when there is ground truth for the images.", width)
    picture, axes = style.figure(width, 3.3)
    bins = accuracy.reliability
    share = np.array([bin.accuracy for bin in bins])
    low = np.array([bin.accuracy_low for bin in bins])
    high = np.array([bin.accuracy_high for bin in bins])
    axes.plot([0, 1], [0, 1], color=style.QUIET, linestyle="--", linewidth=1.2, label="as promised")
    axes.errorbar(
        [bin.confidence for bin in bins],
        share,
        yerr=np.clip([share - low, high - share], 0, None),
        color=style.BLUE,
        marker="o",
        markersize=6,
        linestyle="",
        elinewidth=1.4,
        capsize=3,
        label="labelled images",
    )
    for bin in bins:
        at = (bin.confidence, bin.accuracy_low)
        offset = {"xytext": (0, -4), "textcoords": "offset points", "ha": "center", "va": "top"}
        axes.annotate(f"{bin.images:,}", at, color=style.QUIET, fontsize=8, **offset)
    lowest = min(*low, *(bin.low for bin in bins))
    axes.set_xlim(max(0, lowest - 0.06), 1.03)
    axes.set_ylim(max(0, lowest - 0.1), 1.03)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set(xlabel="confidence", ylabel="right")
    style.legend(picture, axes, style.columns(width))
    return picture
