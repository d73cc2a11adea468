"""Which classes the model names, now and in the baseline."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from scripts.monitoring import table
from scripts.monitoring.plots import style

NOW = {"color": style.BLUE, "marker": "o", "markersize": 6.5}
THEN = {"color": style.INK, "marker": "D", "markersize": 6, "markerfacecolor": "white"}


@style.styled
def draw(
    frame: pd.DataFrame, baseline: Mapping[str, int] | None = None, width: float = style.HALF
) -> Figure:
    """Each class's share with Wilson's 95 % interval; `baseline` counts its images by label."""
    if frame.empty:
        return style.sentence("No images in this span of time.", width)
    now = frame["label"].astype(str).value_counts()
    then = pd.Series({str(label): count for label, count in (baseline or {}).items()}, dtype=float)
    classes, _ = table.probabilities(frame)
    extra = sorted({*now.index, *then.index}.difference(classes))
    labels = [*classes, *extra]
    picture, axes = style.figure(width, 1.1 + 0.42 * len(labels))
    rows = np.arange(len(labels))
    if then.sum():
        _shares(axes, rows - 0.13, then.reindex(labels, fill_value=0), "baseline", THEN)
    _shares(axes, rows + 0.13, now.reindex(labels, fill_value=0), "now", NOW)
    axes.set_yticks(rows, [style.short(label) for label in labels])
    axes.set_ylim(len(labels) - 0.45, -0.55)
    axes.set_xlim(left=0)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("share of the images")
    style.legend(picture, axes, style.columns(width))
    return picture


def _shares(axes, rows: np.ndarray, counts: pd.Series, name: str, marks: dict) -> None:
    count = counts.to_numpy(float)
    share = count / count.sum()
    low, high = style.intervals(count, np.full(len(count), count.sum()))
    whiskers = np.clip([share - low, high - share], 0, None)
    label = f"{name} ({int(count.sum()):,})"
    axes.errorbar(share, rows, xerr=whiskers, linestyle="", elinewidth=1.4, label=label, **marks)
