"""The plots: each function returns a matplotlib Figure of photos or drifts, at least one.

All have one width, which fits beside another plot on a page and, alone, on a telephone.
"""

from collections.abc import Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

from monitoring.accuracy import is_accepted, wilson
from monitoring.drift import Drift, title

WIDTH = 4.0  # inches
BLUE, ORANGE, VERMILION = "#0072B2", "#E69F00", "#D55E00"
INK, QUIET, FAINT, BAND = "#1f2328", "#57606a", "#d0d7de", "#dde3ea"
BOUND = {"color": VERMILION, "linestyle": (0, (5, 3)), "linewidth": 1.4}
VERDICTS = {
    "violation": {"marker": "D", "color": VERMILION, "markersize": 8},
    "above, tolerated": {"marker": "s", "color": ORANGE, "markeredgecolor": INK},
    "as usual": {"marker": "o", "color": BLUE, "markerfacecolor": "white"},
}
SETTINGS = {
    "axes.axisbelow": True,
    "axes.edgecolor": FAINT,
    "axes.grid": True,
    "axes.labelcolor": QUIET,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "grid.color": "#eaeef2",
    "legend.frameon": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "scones",
    "text.color": INK,
    "xtick.color": FAINT,
    "xtick.labelcolor": QUIET,
    "ytick.color": FAINT,
    "ytick.labelcolor": INK,
}
# Makes a function work with these settings, whatever else the process draws.
styled = matplotlib.rc_context(SETTINGS)

SUREST = 0.9999  # what is surer is drawn here
TICKS = (0.0, 0.5, 0.9, 0.99, 0.999, SUREST)

MULTIPLES = (0, 0.25, 1, 2, 5, 10, 20, 50, 100)

LENGTHS = ("1 minute", "5 minutes", "15 minutes", "1 hour", "3 hours", "6 hours", "1 day", "7 days")
MOST_SPANS = 60
FEWEST_PHOTOS = 20  # in each, on average: fewer say more about chance than about time


@styled
def draw_confidence_over_time(frame: pd.DataFrame, threshold: float) -> Figure:
    """Points for photos; their running median and 10 % quantile; the threshold.

    The scale is one of doubt: each step up is ten times less.
    """
    figure, axes, times = _start_time_plot(frame, "confidence")
    confidence = frame["confidence"].astype(float).clip(0, SUREST)
    dots = {"markersize": 3, "markeredgewidth": 0, "color": BLUE}
    alpha = float(np.clip(500 / len(frame), 0.06, 0.6))
    # A hundred thousand points as vectors would be megabytes.
    axes.plot(times, confidence, "o", alpha=alpha, rasterized=True, **dots)
    axes.plot([], [], "o", markersize=4, color=BLUE, label="a photo")
    spans, _ = cut_spans(times)
    for name, quantile, line in (("median", 0.5, "-"), ("lowest tenth", 0.1, ":")):
        values = confidence.groupby(spans).quantile(quantile)
        marker = "." if len(values) < 3 else ""
        axes.plot(values, label=name, color=INK, linestyle=line, linewidth=1.8, marker=marker)
    axes.axhline(threshold, label=f"threshold {threshold:g}", **BOUND)
    lowest, highest = _doubt(min(confidence.min(), 0.9)) - 0.06, _doubt(SUREST) + 0.12
    axes.set_ylim(max(0.0, _confidence(lowest)), _confidence(highest))
    axes.set_yscale("function", functions=(_doubt, _confidence))
    axes.yaxis.set_major_locator(FixedLocator(TICKS))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:.4g}")
    figure.legend(loc="outside upper left", ncols=2)
    return figure


def _doubt(confidence):
    return -np.log10(np.clip(1 - np.asarray(confidence, float), 1e-6, None))


def _confidence(doubt):
    return 1 - 10.0 ** -np.asarray(doubt, float)


@styled
def draw_share_accepted_over_time(frame: pd.DataFrame, threshold: float) -> Figure:
    """The share accepted by span of time with Wilson's 95 % interval; the whole time's share."""
    figure, axes, times = _start_time_plot(frame, "accepted")
    middles, length = cut_spans(times)
    accepted = pd.Series(is_accepted(frame["confidence"], threshold), frame.index)
    spans = accepted.groupby(middles).agg(["mean", "sum", "count"])
    intervals = np.array([wilson(*pair) for pair in zip(spans["sum"], spans["count"], strict=True)])
    if len(spans) == 1:  # a band needs two spans
        axes.vlines(spans.index, *intervals.T, color=BLUE, label="95% interval")
    else:
        band = {"color": BLUE, "alpha": 0.22, "linewidth": 0, "label": "95% interval"}
        axes.fill_between(spans.index, *intervals.T, **band)
    line = {"color": BLUE, "marker": "o", "markersize": 3.5, "linewidth": 1.4}
    axes.plot(spans["mean"], label=f"accepted, per {length}", **line)
    whole = accepted.mean()
    dots = {"color": INK, "linestyle": ":", "linewidth": 1.4}
    axes.axhline(whole, label=f"whole time: {whole:.1%}", **dots)
    axes.set_ylim(0, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    figure.legend(loc="outside upper left", ncols=2)
    return figure


def cut_spans(times: pd.Series) -> tuple[pd.Series, str]:
    """Return the middle of the span that each time lies in, and the spans' length in words.

    The length is the shortest of LENGTHS that is not too fine for the times.
    """
    most = min(MOST_SPANS, max(1, len(times) // FEWEST_PHOTOS))
    whole = times.max() - times.min()
    fitting = (length for length in LENGTHS if whole <= most * pd.Timedelta(length))
    length = next(fitting, LENGTHS[-1])
    step = pd.Timedelta(length)
    return times.dt.floor(step) + step / 2, length.removeprefix("1 ")


@styled
def draw_drift(drifts: Sequence[Drift]) -> Figure:
    """A row a drift: its effect as a mark on its null band, in multiples of its bound."""
    figure = Figure((WIDTH, 1.2 + 0.4 * len(drifts)), dpi=100)
    axes = figure.subplots()
    for row, drift in enumerate(drifts):
        bound = drift.bound or 1.0
        low, high = (end / bound for end in drift.band)
        axes.barh(row, high - low, left=low, height=0.62, color=BAND)
        axes.add_line(_mark([drift.effect / bound], [row], drift.verdict))
    bound_line = axes.axvline(1, **BOUND)
    highest = max([1.2, *(drift.effect / drift.bound for drift in drifts if drift.bound)])
    axes.set_xscale("function", functions=(np.sqrt, np.square))
    axes.set_xlim(0, highest * 1.1)
    axes.xaxis.set_major_locator(FixedLocator(MULTIPLES))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("moved, in multiples of the bound")
    names = [
        title(drift.name)
        if drift.baseline_mean is None
        else f"{title(drift.name)}\n{drift.baseline_mean:.3g} → {drift.current_mean:.3g}"
        for drift in drifts
    ]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    found = {drift.verdict for drift in drifts}
    marks = {"by chance alone": Patch(color=BAND), "bound": bound_line}
    marks |= {verdict: _mark([], [], verdict) for verdict in VERDICTS if verdict in found}
    figure.legend(marks.values(), marks.keys(), loc="outside upper left", ncols=2)
    return figure


def _mark(x: list[float], y: list[float], verdict: str) -> Line2D:
    line = {"linestyle": "", "markersize": 6.5, "markeredgewidth": 1.4}
    return Line2D(x, y, **(line | VERDICTS[verdict]))


def _start_time_plot(frame: pd.DataFrame, name: str) -> tuple[Figure, Axes, pd.Series]:
    """Return a figure, its axes, of which x has room for all times, and the times without zone."""
    figure = Figure((WIDTH, 3.2), dpi=100)
    axes = figure.subplots()
    times = frame["time"].dt.tz_localize(None)
    margin = max((times.max() - times.min()) / 50, pd.Timedelta(seconds=30))
    axes.set_xlim(times.min() - margin, times.max() + margin)
    locator = AutoDateLocator(minticks=3, maxticks=6)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.set_xlabel("time (UTC)", loc="left")  # the day stands at the right
    axes.set_ylabel(name)
    return figure, axes, times
