"""What all pictures share: sizes, type, colours and marks, and how labels are written.

Colours are Okabe and Ito's (https://jfly.uni-koeln.de/color/), which every kind of colour vision
tells apart. Whatever a colour says, a mark, a line style or a word says too, for a grey printer.
"""

import functools
import math
import textwrap
from collections.abc import Callable

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scripts.monitoring.accuracy import wilson

WIDE = 11.0  # inches: a picture on a row of its own
HALF = 5.4  # two pictures beside each other
NARROW = 3.3  # a telephone

BLUE, ORANGE, VERMILION, GREEN = "#0072B2", "#E69F00", "#D55E00", "#009E73"
INK, QUIET, FAINT, BAND = "#1f2328", "#57606a", "#d0d7de", "#dde3ea"

THRESHOLD = {"color": VERMILION, "linestyle": (0, (5, 3)), "linewidth": 1.4}
LABEL_LENGTH = 24
SENTENCE = "sentence"  # marks a picture that is one

SETTINGS = {
    "axes.axisbelow": True,
    "axes.edgecolor": FAINT,
    "axes.grid": True,
    "axes.labelcolor": QUIET,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "grid.color": "#eaeef2",
    "legend.borderaxespad": 0.2,
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


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Make a drawing function work with these settings, whatever else the process draws."""

    @functools.wraps(draw)
    def wrapper(*arguments, **options):
        with matplotlib.rc_context(SETTINGS):
            return draw(*arguments, **options)

    return wrapper


def figure(width: float, height: float, **subplots) -> tuple[Figure, Axes]:
    """Return an empty figure of so many inches, and its axes as `Figure.subplots` gives them."""
    picture = Figure((width, height), layout="constrained")
    return picture, picture.subplots(**subplots)


@styled
def sentence(text: str, width: float) -> Figure:
    """Return a picture that says in words why there is nothing to draw."""
    lines = textwrap.wrap(text, int(width * 12))
    picture, axes = figure(width, 0.5 + 0.2 * len(lines))
    picture.set_gid(SENTENCE)
    axes.set_axis_off()  # a notebook does not show a figure without axes at all
    axes.text(0.5, 0.5, "\n".join(lines), ha="center", va="center", color=QUIET, fontsize=10)
    return picture


def legend(picture: Figure, axes: Axes, columns: int) -> None:
    """Put the legend above the axes, where it covers no data."""
    handles, labels = axes.get_legend_handles_labels()
    picture.legend(handles, labels, loc="outside upper left", ncols=columns, columnspacing=1.4)


def columns(width: float) -> int:
    """Return how many legend entries stand beside each other in a picture of this width."""
    return 2 if width <= NARROW else 4


def short(label: object) -> str:
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


def images(count: int) -> str:
    """Return `1 image` or `2,000 images`."""
    return f"{count:,} image{'' if count == 1 else 's'}"


def intervals(right: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Return the low and the high ends, 2 x N, of proportions' 95% intervals; counts from 1."""
    return np.array([wilson(*pair) for pair in zip(right, count, strict=True)]).T


def said(picture: Figure) -> str | None:
    """Return what a picture says that `sentence` made, None of any other."""
    if picture.get_gid() != SENTENCE:
        return None
    return picture.axes[0].texts[0].get_text().replace("\n", " ")
