"""What all plots share: sizes, colours, how labels, numbers, time and confidence are written."""

import math
from collections.abc import Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

WIDE = 11.0  # inches: a plot on a row of its own
HALF = 5.4  # two plots beside each other
NARROW = 3.3  # a telephone

BLUE, ORANGE, VERMILION = "#0072B2", "#E69F00", "#D55E00"
INK, QUIET, FAINT, BAND = "#1f2328", "#57606a", "#d0d7de", "#dde3ea"

THRESHOLD = {"color": VERMILION, "linestyle": (0, (5, 3)), "linewidth": 1.4}
LABEL_LENGTH = 24

SETTINGS = {
    "axes.axisbelow": True,
    "axes.edgecolor": FAINT,
    "axes.grid": True,
    "axes.labelcolor": QUIET,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "grid.color": "#eaeef2",
    "legend.borderaxespad": 0.2,
    "legend.columnspacing": 1.4,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
    "svg.fonttype": "path",
    "svg.hashsalt": "scones",
    "text.color": INK,
    "text.parse_math": False,  # labels are whatever a model calls its classes, $ included
    "xtick.color": FAINT,
    "xtick.labelcolor": QUIET,
    "xtick.labelsize": 8.5,
    "ytick.color": FAINT,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 8.5,
}
# Makes a function work with these settings, whatever else the process draws.
styled = matplotlib.rc_context(SETTINGS)

SUREST = 0.9999  # what is surer is drawn here
TICKS = (0.0, 0.5, 0.9, 0.99, 0.999, SUREST)


def figure(width: float, height: float, **subplots) -> tuple[Figure, Axes]:
    """Return an empty figure of so many inches, and its axes as `Figure.subplots` gives them."""
    picture = Figure((width, height))
    return picture, picture.subplots(**subplots)


def legend(picture: Figure, marks: dict[str, Artist] | None = None) -> None:
    """Put a legend above the axes, where it covers no data: of the marks, or of what has labels."""
    if marks is None:
        handles, labels = picture.axes[0].get_legend_handles_labels()
        marks = dict(zip(labels, handles, strict=True))
    columns = 2 if picture.get_figwidth() <= NARROW else 4
    picture.legend(marks.values(), marks.keys(), loc="outside upper left", ncols=columns)


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Name the rows of a plot, row 0 on top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def write_beside(axes: Axes, row: int, text: str, **font) -> None:
    """Write at the right of the axes, beside a row."""
    place = {"xycoords": ("axes fraction", "data"), "xytext": (6, 0), "va": "center"}
    axes.annotate(
        text, (1, row), textcoords="offset points", annotation_clip=False, **place, **font
    )


def scale_time(axes: Axes, times: pd.Series) -> None:
    """Make x a time axis that shows all of the times (not empty, UTC without a zone)."""
    first, last = times.min(), times.max()
    margin = max((last - first) / 50, pd.Timedelta(seconds=30))
    axes.set_xlim(first - margin, last + margin)
    locator = AutoDateLocator(minticks=3, maxticks=5 if axes.figure.get_figwidth() < 4 else 9)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.set_xlabel("time (UTC)", loc="left")  # the day stands at the right


def scale_confidence(axes: Axes, axis: str, lowest: float) -> None:
    """Scale x or y by doubt, from below the lowest confidence up to SUREST.

    Each step up is ten times less doubt: 0.9, 0.99, 0.999.
    """
    low, high = _confidence(_doubt(min(lowest, 0.9)) - 0.06), _confidence(_doubt(SUREST) + 0.12)
    axes.set(**{f"{axis}lim": (low, high)})
    set_scale = {"x": axes.set_xscale, "y": axes.set_yscale}[axis]
    set_scale("function", functions=(_doubt, _confidence))
    ticks = {"x": axes.xaxis, "y": axes.yaxis}[axis]
    ticks.set_major_locator(FixedLocator(TICKS))
    ticks.set_minor_locator(NullLocator())
    ticks.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))


def _doubt(confidence):
    return -np.log10(np.clip(1 - np.asarray(confidence, float), 1e-6, None))


def _confidence(doubt):
    return 1 - 10.0 ** -np.asarray(doubt, float)


def shorten(label: object) -> str:
    """Return a label as it can be drawn: one line, printable, of bounded length."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(label))
    text = " ".join(text.split()) or "(no name)"
    return text if len(text) <= LABEL_LENGTH else text[: LABEL_LENGTH - 1] + "…"


def share(value: float) -> str:
    """Return a share as whole percent, and never 0 or 100% for what is not quite that."""
    percent = value * 100
    if 0 < percent < 0.5:
        return "< 1%"
    if 99.5 <= percent < 100:
        return "> 99%"
    return f"{percent:.0f}%"


def number(value: float) -> str:
    """Return a number with three figures that count."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3f}" if 0.001 <= abs(value) < 1 else f"{value:.3g}"
