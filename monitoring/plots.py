"""The plots: each function returns a matplotlib Figure, or raises NoDataError.

Each takes `width` in inches: text keeps its size, so that a plot is drawn for the screen it is
meant for instead of being shrunk to it. `pictures` says which of them a report holds.
"""

import itertools
import math
import textwrap
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator, PercentFormatter

from monitoring import style, table
from monitoring.accuracy import is_accepted, wilson
from monitoring.findings import Accuracy, Drift
from monitoring.gallery import Tile

LINES = {
    "median": (0.5, {"color": style.INK, "linestyle": "-"}),
    "lowest tenth": (0.1, {"color": style.INK, "linestyle": ":"}),
}
NOW = {"color": style.BLUE, "marker": "o", "markersize": 6.5}
BASELINE = {"color": style.INK, "marker": "D", "markersize": 6, "markerfacecolor": "white"}
PERCENTILES = {
    "p50 (half are faster)": {"color": style.BLUE, "linestyle": "-", "marker": "o"},
    "p95": {"color": style.ORANGE, "linestyle": "--", "marker": "s"},
    "p99": {"color": style.VERMILION, "linestyle": ":", "marker": "^"},
}
VERDICTS = {
    "violation": {"marker": "D", "color": style.VERMILION, "markersize": 8},
    "above, tolerated": {"marker": "s", "color": style.ORANGE, "markeredgecolor": style.INK},
    "as usual": {"marker": "o", "color": style.BLUE, "markerfacecolor": "white"},
}
TILE = 1.3  # inches

LENGTHS = ("1 minute", "5 minutes", "15 minutes", "1 hour", "3 hours", "6 hours", "1 day", "7 days")
MOST_SPANS = 60
FEWEST_PHOTOS = 20  # in each, on average: fewer say more about chance than about time

Datapoint = tuple[datetime, float, float, float]


class NoDataError(Exception):
    """There are no data for a plot; the message says which, in a sentence."""


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


def _require_photos(frame: pd.DataFrame) -> None:
    if frame.empty:
        raise NoDataError("No photos in this span of time.")


@style.styled
def draw_confidence_over_time(
    frame: pd.DataFrame, threshold: float, width: float = style.WIDE
) -> Figure:
    """Points for photos; their running median and 10 % quantile; the threshold."""
    _require_photos(frame)
    picture, axes = style.figure(width, 3.3)
    times = frame["time"].dt.tz_localize(None)
    confidence = frame["confidence"].astype(float).clip(0, style.SUREST)
    axes.plot(
        times,
        confidence,
        "o",
        markersize=3,
        markeredgewidth=0,
        color=style.BLUE,
        alpha=float(np.clip(90 * width / len(frame), 0.04, 0.6)),
        rasterized=True,  # a hundred thousand points as vectors would be megabytes
    )
    axes.plot([], [], "o", markersize=4, color=style.BLUE, label="a photo")
    middles, _ = cut_spans(times)
    for name, (quantile, line) in LINES.items():
        values = confidence.groupby(middles).quantile(quantile)
        axes.plot(values, marker="." if len(values) < 3 else "", label=name, **line)
    axes.axhline(threshold, label=f"threshold {threshold:g}", **style.THRESHOLD)
    style.scale_confidence(axes, "y", confidence.min())
    style.scale_time(axes, times)
    axes.set_ylabel("confidence")
    style.legend(picture)
    return picture


@style.styled
def draw_confidence_by_class(
    frame: pd.DataFrame, threshold: float, width: float = style.HALF
) -> Figure:
    """A box a class, from the 5 % to the 95 % quantile, by the label that the model gave."""
    _require_photos(frame)
    classes = group_by_label(frame)
    picture, axes = style.figure(width, 1.1 + 0.52 * len(classes))
    values = [np.clip(confidence, 0, style.SUREST) for confidence in classes.values()]
    axes.boxplot(
        values,
        positions=range(len(values)),
        widths=0.45,
        whis=(5, 95),
        orientation="horizontal",
        showfliers=False,
        patch_artist=True,
        manage_ticks=False,
        boxprops={"facecolor": "#b9d7ea", "edgecolor": style.BLUE},
        whiskerprops={"color": style.BLUE},
        capprops={"color": style.BLUE},
        medianprops={"color": style.INK, "linewidth": 2},
    )
    names = []
    for label, confidence in classes.items():
        accepted = style.share(is_accepted(confidence, threshold).mean())
        names.append(f"{style.shorten(label)}\n{len(confidence):,}, {accepted} accepted")
    axes.axvline(threshold, label=f"threshold {threshold:g}", **style.THRESHOLD)
    style.scale_confidence(axes, "x", min(np.quantile(each, 0.05) for each in values))
    style.name_rows(axes, names)
    axes.set_xlabel("confidence")
    style.legend(picture)
    return picture


def group_by_label(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return each label's confidences, in the model's order of classes."""
    groups = dict(iter(frame["confidence"].astype(float).groupby(frame["label"])))
    classes, _ = table.probabilities(frame)
    return {name: groups[name].to_numpy() for name in [*classes] if name in groups}


@style.styled
def draw_label_mix(
    frame: pd.DataFrame, baseline: Mapping[str, int] | None = None, width: float = style.HALF
) -> Figure:
    """Each class's share with Wilson's 95 % interval; `baseline` counts its photos by label."""
    _require_photos(frame)
    now, before = frame["label"].value_counts().to_dict(), dict(baseline or {})
    classes, _ = table.probabilities(frame)
    labels = [*classes, *sorted(before.keys() - {*classes})]
    picture, axes = style.figure(width, 1.1 + 0.42 * len(labels))
    for name, counts, offset, marks in (
        ("baseline", before, -0.13, BASELINE),
        ("now", now, 0.13, NOW),
    ):
        total = sum(counts.values())
        if not total:
            continue
        share = np.array([counts.get(label, 0) / total for label in labels])
        intervals = np.array([wilson(counts.get(label, 0), total) for label in labels])
        axes.errorbar(
            share,
            np.arange(len(labels)) + offset,
            xerr=_whiskers(share, intervals),
            linestyle="",
            elinewidth=1.4,
            label=f"{name} ({total:,})",
            clip_on=False,  # a mark at 0 is whole
            **marks,
        )
    style.name_rows(axes, [style.shorten(label) for label in labels])
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("share of the photos")
    style.legend(picture)
    return picture


def _whiskers(values: np.ndarray, intervals: np.ndarray) -> np.ndarray:
    """Return what errorbar takes: how far N intervals reach below and above the values, 2 x N."""
    return np.clip([values - intervals[:, 0], intervals[:, 1] - values], 0, None)


@style.styled
def draw_share_accepted(frame: pd.DataFrame, threshold: float, width: float = style.WIDE) -> Figure:
    """The share accepted by span of time with Wilson's 95 % band; the whole time's share."""
    _require_photos(frame)
    picture, axes = style.figure(width, 2.8)
    times = frame["time"].dt.tz_localize(None)
    middles, length = cut_spans(times)
    accepted = pd.Series(is_accepted(frame["confidence"], threshold), frame.index)
    spans = accepted.groupby(middles).agg(["mean", "sum", "count"])
    intervals = np.array([wilson(*pair) for pair in zip(spans["sum"], spans["count"], strict=True)])
    if len(spans) == 1:  # a band needs two spans
        whiskers = _whiskers(spans["mean"].to_numpy(), intervals)
        bar = {"linestyle": "", "capsize": 4, "color": style.BLUE, "label": "95% interval"}
        axes.errorbar(spans.index, spans["mean"], yerr=whiskers, **bar)
    else:
        band = {"color": style.BLUE, "alpha": 0.22, "linewidth": 0, "label": "95% interval"}
        axes.fill_between(spans.index, intervals[:, 0], intervals[:, 1], **band)
    line = {"color": style.BLUE, "marker": "o", "markersize": 3.5, "linewidth": 1.4}
    axes.plot(spans["mean"], label=f"accepted, per {length}", **line)
    whole = accepted.mean()
    overall = {"color": style.INK, "linestyle": ":", "linewidth": 1.4}
    axes.axhline(whole, label=f"whole time: {style.share(whole)}", **overall)
    axes.set_ylim(0, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    style.scale_time(axes, times)
    axes.set_ylabel("accepted")
    style.legend(picture)
    return picture


@style.styled
def draw_latency(datapoints: Sequence[Datapoint], width: float = style.WIDE) -> Figure:
    """Percentiles over time; a datapoint is its time (UTC) and p50, p95 and p99 in milliseconds."""
    if not datapoints:
        raise NoDataError("CloudWatch has no latencies of the endpoint in this span of time.")
    points = pd.DataFrame(sorted(datapoints), columns=["time", *PERCENTILES])
    times = pd.to_datetime(points["time"], utc=True).dt.tz_localize(None)
    picture, axes = style.figure(width, 2.6)
    marked = len(points) <= 20 * width  # more marks than this would touch
    for name, line in PERCENTILES.items():
        size = {"linewidth": 1.5, "markersize": 3.5 * marked}
        axes.plot(times, points[name], label=name, **line, **size)
    axes.set_yscale("log")
    values = points[[*PERCENTILES]].to_numpy()
    axes.set_ylim(values.min() / 1.5, values.max() * 1.5)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.set_ylabel("milliseconds")
    style.scale_time(axes, times)
    style.legend(picture)
    return picture


@style.styled
def draw_drift(drifts: Sequence[Drift], width: float = style.WIDE) -> Figure:
    """One forest plot: a row a drift, the effect as a mark on its null band, a panel a unit."""
    if not drifts:
        raise NoDataError("Nothing was compared with a baseline.")
    panels = [
        (unit, list(rows)) for unit, rows in itertools.groupby(drifts, lambda drift: drift.unit)
    ]
    heights = [len(rows) + 1 for _, rows in panels]
    row_height = 0.3 if width > style.NARROW else 0.4  # where words stand below numbers
    picture, axes = style.figure(
        width,
        0.5 + row_height * sum(heights) + 0.25 * len(panels),
        nrows=len(panels),
        squeeze=False,
        height_ratios=heights,
    )
    for panel, (unit, rows) in zip(axes[:, 0], panels, strict=True):
        _draw_panel(panel, unit, rows, width)
    verdicts = {drift.verdict for drift in drifts}
    marks = {"by chance alone": Patch(color=style.BAND)}
    marks |= {verdict: _mark([], [], verdict) for verdict in VERDICTS if verdict in verdicts}
    style.legend(picture, marks)
    return picture


def _mark(x: list[float], y: list[float], verdict: str) -> Line2D:
    line = {"linestyle": "", "markersize": 6.5, "markeredgewidth": 1.4}
    return Line2D(x, y, **(line | VERDICTS[verdict]))


def _draw_panel(axes, unit: str, rows: list[Drift], width: float) -> None:
    for row, drift in enumerate(rows):
        low, high = drift.band
        axes.barh(row, high - low, left=low, height=0.62, color=style.BAND)
        axes.add_line(_mark([drift.effect], [row], drift.verdict))
        text = f"{style.number(drift.effect)}  {drift.verdict}"
        if width <= style.NARROW:
            text = text.partition(",")[0].replace("  ", "\n").removesuffix("\nas usual")
        weight = "bold" if drift.violated else "normal"
        style.write_beside(axes, row, text, fontsize=8.5, fontweight=weight)
    highest = max(max(drift.band[1], drift.effect) for drift in rows)
    axes.set_xlim(-highest / 50, highest * 1.06)
    axes.axvline(0, color=style.QUIET, linewidth=1)
    style.name_rows(axes, [drift.title for drift in rows])
    axes.xaxis.set_major_locator(MaxNLocator(4 if width < 4 else 7))
    axes.set_xlabel(textwrap.fill(f"moved by … {unit}", int(width * 12)))


@style.styled
def draw_accuracy(accuracy: Accuracy | None, width: float = style.HALF) -> Figure:
    """A row a figure, with its 95 % interval where it has one."""
    if accuracy is None:
        raise NoDataError("No photos, so nothing to be right or wrong about.")
    names, values, marks = zip(*list_accuracies(accuracy), strict=True)
    picture, axes = style.figure(width, 0.7 + 0.5 * len(names))
    for row, (value, low, high) in enumerate(values):
        whiskers = _whiskers(np.array([value]), np.array([[low, high]]))
        axes.errorbar(value, row, xerr=whiskers, elinewidth=1.6, capsize=3, **marks[row])
        style.write_beside(axes, row, f"{value:.1%}")
    lowest, highest = np.min(values), np.max(values)
    margin = max(0.01, (highest - lowest) / 5)
    axes.set_xlim(max(0, lowest - margin), min(1.002, highest + margin))
    style.name_rows(axes, names)
    axes.xaxis.set_major_locator(MaxNLocator(2 if width < 4 else 5, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share * 100:g}%"))
    axes.set_xlabel("accuracy")
    return picture


def list_accuracies(accuracy: Accuracy) -> list[tuple[str, tuple[float, float, float], dict]]:
    """Return name, value with its interval, and marks of each figure that there is."""
    rows = [
        ("promised, baseline", (accuracy.expected_baseline,) * 3, BASELINE),
        (
            "promised, now",
            (accuracy.expected, accuracy.expected_low, accuracy.expected_high),
            BASELINE,
        ),
        ("promised, labelled ones", (accuracy.expected_labelled,) * 3, BASELINE),
        (
            f"true, {accuracy.labelled:,} labelled",
            (accuracy.true, accuracy.true_low, accuracy.true_high),
            NOW,
        ),
    ]
    return [row for row in rows if row[1][0] is not None]


@style.styled
def draw_least_confident(tiles: Sequence[Tile], width: float = style.WIDE) -> Figure:
    """Each photo with its label and confidence, the least sure first."""
    if not tiles:
        raise NoDataError("No captured photos to show.")
    columns = max(2, int(width / TILE))
    lines = math.ceil(len(tiles) / columns)
    picture, axes = style.figure(
        width, lines * (width / columns + 0.4), nrows=lines, ncols=columns, squeeze=False
    )
    for place in axes.flat:
        place.set_axis_off()
    for place, tile in zip(axes.flat, tiles, strict=False):
        if tile.image is None:
            place.text(0.5, 0.5, "cannot be\nread again", ha="center", va="center", fontsize=8)
        else:
            place.imshow(np.asarray(tile.image), interpolation="nearest")
        title = f"{style.shorten(tile.row.label)[:14]}\n{tile.row.confidence:.3f}"
        place.set_title(title, fontsize=8.5)
    return picture
