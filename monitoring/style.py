"""What all pictures share: sizes, colours, how labels, time and confidence are written."""

import functools
import math
import textwrap
from collections.abc import Callable, Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.scale import FuncScale
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from monitoring.accuracy import wilson

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

LENGTHS = ("1 minute", "5 minutes", "15 minutes", "1 hour", "3 hours", "6 hours", "1 day", "7 days")
MOST = 60
FEWEST_IMAGES = 20  # in a span, on average: fewer say more about chance than about time

SUREST = 0.9999  # what is surer is drawn here
TICKS = (0.0, 0.5, 0.9, 0.99, 0.999, SUREST)


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


def legend(picture: Figure, marks: Axes | dict[str, Artist], width: float) -> None:
    """Put a legend above the axes, where it covers no data: theirs, or of the marks by name."""
    if isinstance(marks, Axes):
        handles, labels = marks.get_legend_handles_labels()
        marks = dict(zip(labels, handles, strict=True))
    columns = 2 if width <= NARROW else 4
    place = {"loc": "outside upper left", "ncols": columns, "columnspacing": 1.4}
    picture.legend(list(marks.values()), list(marks), **place)


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Name the rows of a picture, row 0 on top."""
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


def images(count: int) -> str:
    """Return `1 image` or `2,000 images`."""
    return f"{count:,} image{'' if count == 1 else 's'}"


def intervals(right: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Return the low and the high ends, 2 x N, of proportions' 95% intervals; counts from 1."""
    return np.array([wilson(*pair) for pair in zip(right, count, strict=True)]).T


def read_sentence(picture: Figure) -> str | None:
    """Return what a picture says that `sentence` made, None of any other."""
    if picture.get_gid() != SENTENCE:
        return None
    return picture.axes[0].texts[0].get_text().replace("\n", " ")


class Spans(NamedTuple):
    """A table's rows by span: `length` in words, each span's middle, and each row's span."""

    length: str
    middles: np.ndarray  # datetime64, one a span that has rows
    row_spans: np.ndarray  # int, N, an index into the middles


def cut_spans(times: pd.Series) -> Spans:
    """Cut the times (not empty) into spans of the shortest length that is not too fine for them."""
    first, last = times.min(), times.max()
    most = min(MOST, max(1, len(times) // FEWEST_IMAGES))
    fitting = (length for length in LENGTHS if last - first <= most * pd.Timedelta(length))
    length = next(fitting, LENGTHS[-1])
    step = pd.Timedelta(length)
    starts, row_spans = np.unique(drop_zone(times.dt.floor(step)), return_inverse=True)
    return Spans(length.removeprefix("1 "), starts + step.to_timedelta64() / 2, row_spans)


def scale_time(axes: Axes, times: pd.Series, width: float) -> None:
    """Make x a time axis that shows all of the times (not empty)."""
    first, last = drop_zone(times).min(), drop_zone(times).max()
    margin = max((last - first) / 50, np.timedelta64(30, "s"))
    axes.set_xlim(first - margin, last + margin)
    locator = AutoDateLocator(minticks=3, maxticks=5 if width < 4 else 9)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.set_xlabel("time (UTC)", loc="left")  # the day stands at the right


def drop_zone(times: pd.Series) -> np.ndarray:
    """Return times in UTC as numpy has them, without a zone."""
    return times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]")


def clip_confidence(confidence: np.ndarray) -> np.ndarray:
    """Return confidences as they can be drawn, float64, between 0 and SUREST."""
    return np.clip(np.asarray(confidence, float), 0.0, SUREST)


def scale_confidence(axes: Axes, name: str, lowest: float) -> None:
    """Give the axis `name`, x or y, this scale, from below the lowest confidence up to SUREST."""
    axes.set(**{f"{name}scale": FuncScale(axes, (_doubt, _confidence))})
    low = max(0.0, float(_confidence(_doubt(min(lowest, 0.9)) - 0.06)))
    axes.set(**{f"{name}lim": (low, float(_confidence(_doubt(SUREST) + 0.12)))})
    axis = {"x": axes.xaxis, "y": axes.yaxis}[name]
    axis.set_major_locator(FixedLocator(TICKS))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))


def _doubt(confidence):
    return -np.log10(np.clip(1 - np.asarray(confidence, float), 1e-6, None))


def _confidence(doubt):
    return 1 - 10.0 ** -np.asarray(doubt, float)
