"""The drawings: each returns a matplotlib Figure, or a sentence where there is nothing to draw.

Each takes `width` in inches: text keeps its size, so that a picture is drawn for the screen it is
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
from monitoring.accuracy import is_accepted
from monitoring.findings import Accuracy, Drift, title
from monitoring.gallery import Tile

NO_IMAGES = "No images in this span of time."

LINES = {
    "median": (0.5, {"color": style.INK, "linestyle": "-"}),
    "lowest tenth": (0.1, {"color": style.INK, "linestyle": ":"}),
}

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
BOXED = 20  # fewer images are drawn one by one: quantiles would pretend to know more

NOW = {"color": style.BLUE, "marker": "o", "markersize": 6.5}
THEN = {"color": style.INK, "marker": "D", "markersize": 6, "markerfacecolor": "white"}

PERCENTILE_LINES = {
    "p50 (half are faster)": {"color": style.BLUE, "linestyle": "-", "marker": "o"},
    "p95": {"color": style.ORANGE, "linestyle": "--", "marker": "s"},
    "p99": {"color": style.VERMILION, "linestyle": ":", "marker": "^"},
}

MARKS = {
    "violation": {"marker": "D", "color": style.VERMILION, "markersize": 8},
    "above, tolerated": {"marker": "s", "color": style.ORANGE, "markeredgecolor": style.INK},
    "as usual": {"marker": "o", "color": style.BLUE, "markerfacecolor": "white"},
}

PROMISED = {"color": style.INK, "marker": "D", "markerfacecolor": "white"}
SEEN = {"color": style.BLUE, "marker": "o"}

TILE = 1.3  # inches

Datapoint = tuple[datetime, float, float, float]


@style.styled
def draw_confidence_over_time(
    frame: pd.DataFrame, threshold: float, width: float = style.WIDE
) -> Figure:
    """Points for images; their running median and 10 % quantile; the threshold."""
    if frame.empty:
        return style.sentence(NO_IMAGES, width)
    picture, axes = style.figure(width, 3.3)
    confidence = pd.Series(style.clip_confidence(frame["confidence"]))
    axes.plot(
        style.drop_zone(frame["time"]),
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
    by_span = style.cut_spans(frame["time"])
    for name, (quantile, line) in LINES.items():
        values = confidence.groupby(by_span.row_spans).quantile(quantile)
        axes.plot(
            by_span.middles, values, marker="." if len(values) < 3 else "", label=name, **line
        )
    axes.axhline(threshold, label=f"threshold {threshold:g}", **style.THRESHOLD)
    style.scale_confidence(axes, "y", confidence.min())
    style.scale_time(axes, frame["time"], width)
    axes.set_ylabel("confidence")
    style.legend(picture, axes, width)
    return picture


@style.styled
def draw_confidence_by_class(
    frame: pd.DataFrame, threshold: float, width: float = style.HALF
) -> Figure:
    """A box a class, from the 5 % to the 95 % quantile, by the label that the model gave."""
    if frame.empty:
        return style.sentence(NO_IMAGES, width)
    classes = by_label(frame)
    picture, axes = style.figure(width, 1.1 + 0.52 * len(classes))
    names = []
    for row, (label, confidence) in enumerate(classes.items()):
        count = len(confidence)
        accepted = is_accepted(confidence, threshold).mean()
        names.append(f"{style.shorten(label)}\n{count:,}, {style.share(accepted)} accepted")
        drawn = style.clip_confidence(confidence)
        if count < BOXED:
            axes.plot(drawn, np.full(count, row), "o", color=style.BLUE, alpha=0.6)
        else:
            _box(axes, row, np.quantile(drawn, QUANTILES))
    axes.axvline(threshold, label=f"threshold {threshold:g}", **style.THRESHOLD)
    style.scale_confidence(axes, "x", min(_lowest(confidence) for confidence in classes.values()))
    style.name_rows(axes, names)
    axes.set_xlabel("confidence")
    style.legend(picture, axes, width)
    return picture


def by_label(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return each label's confidences, in the model's order of classes."""
    classes, _ = table.probabilities(frame)
    labels = frame["label"].astype(str)
    given = sorted(set(labels), key=lambda name: (*classes, name).index(name))
    return {name: frame["confidence"].to_numpy()[labels == name] for name in given}


def _box(axes, row: int, quantiles: np.ndarray) -> None:
    names = ("whislo", "q1", "med", "q3", "whishi")
    axes.bxp(
        [dict(zip(names, quantiles, strict=True))],
        positions=[row],
        widths=0.45,
        orientation="horizontal",
        showfliers=False,
        patch_artist=True,
        manage_ticks=False,
        boxprops={"facecolor": "#b9d7ea", "edgecolor": style.BLUE},
        whiskerprops={"color": style.BLUE},
        capprops={"color": style.BLUE},
        medianprops={"color": style.INK, "linewidth": 2},
    )


def _lowest(confidence: np.ndarray) -> float:
    few = len(confidence) < BOXED
    return float(confidence.min() if few else np.quantile(confidence, QUANTILES[0]))


@style.styled
def draw_label_mix(
    frame: pd.DataFrame, baseline: Mapping[str, int] | None = None, width: float = style.HALF
) -> Figure:
    """Each class's share with Wilson's 95 % interval; `baseline` counts its images by label."""
    if frame.empty:
        return style.sentence(NO_IMAGES, width)
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
    style.name_rows(axes, [style.shorten(label) for label in labels])
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("share of the images")
    style.legend(picture, axes, width)
    return picture


def _shares(axes, rows: np.ndarray, counts: pd.Series, name: str, marks: dict) -> None:
    count = counts.to_numpy(float)
    share = count / count.sum()
    low, high = style.intervals(count, np.full(len(count), count.sum()))
    whiskers = np.clip([share - low, high - share], 0, None)
    label = f"{name} ({int(count.sum()):,})"
    axes.errorbar(share, rows, xerr=whiskers, linestyle="", elinewidth=1.4, label=label, **marks)


@style.styled
def draw_share_accepted(frame: pd.DataFrame, threshold: float, width: float = style.WIDE) -> Figure:
    """The share accepted by span of time with Wilson's 95 % band; the whole time's share."""
    if frame.empty:
        return style.sentence(NO_IMAGES, width)
    picture, axes = style.figure(width, 2.8)
    accepted = is_accepted(frame["confidence"], threshold)
    by_span = style.cut_spans(frame["time"])
    count = np.bincount(by_span.row_spans)
    right = np.bincount(by_span.row_spans, weights=accepted)
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
    style.scale_time(axes, frame["time"], width)
    axes.set_ylabel("accepted")
    style.legend(picture, axes, width)
    return picture


@style.styled
def draw_latency(datapoints: Sequence[Datapoint], width: float = style.WIDE) -> Figure:
    """Percentiles over time; a datapoint is its time (UTC) and p50, p95 and p99 in milliseconds."""
    if not datapoints:
        return style.sentence(
            "CloudWatch has no latencies of the endpoint in this span of time.", width
        )
    times, *percentiles = zip(*sorted(datapoints), strict=True)
    picture, axes = style.figure(width, 2.6)
    times = pd.Series(pd.to_datetime(list(times), utc=True))
    marked = len(times) <= 20 * width  # more marks than this would touch
    for (name, line), values in zip(PERCENTILE_LINES.items(), percentiles, strict=True):
        line = line | {"label": name, "linewidth": 1.5, "markersize": 3.5 * marked}
        axes.plot(style.drop_zone(times), values, **line)
    axes.set_yscale("log")
    lowest, highest = min(percentiles[0]), max(percentiles[2])
    axes.set_ylim(lowest / 1.5, highest * 1.5)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.set_ylabel("milliseconds")
    style.scale_time(axes, times, width)
    style.legend(picture, axes, width)
    return picture


@style.styled
def draw_drift(drifts: Sequence[Drift], width: float = style.WIDE) -> Figure:
    """One forest plot: a row a drift, the effect as a mark on its null band, a panel a unit."""
    if not drifts:
        return style.sentence("Nothing was compared with a baseline.", width)
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
        _panel(panel, unit, rows, width)
    used = {verdict(drift) for drift in drifts}
    marks = {"by chance alone": Patch(color=style.BAND)}
    marks |= {word: _mark([], [], word) for word in MARKS if word in used}
    style.legend(picture, marks, width)
    return picture


def verdict(drift: Drift) -> str:
    """Return what a drift is called: one of MARKS."""
    if drift.violated:
        return "violation"
    # Effects are distances: what moved less than chance would move it has not drifted.
    return "as usual" if drift.effect <= drift.band[1] else "above, tolerated"


def _mark(x: list[float], y: list[float], word: str) -> Line2D:
    return Line2D(x, y, linestyle="", **{"markersize": 6.5, "markeredgewidth": 1.4, **MARKS[word]})


def _panel(axes, unit: str, rows: list[Drift], width: float) -> None:
    for row, drift in enumerate(rows):
        low, high = drift.band
        axes.barh(row, high - low, left=low, height=0.62, color=style.BAND)
        axes.add_line(_mark([drift.effect], [row], verdict(drift)))
        weight = "bold" if drift.violated else "normal"
        style.write_beside(axes, row, _words(drift, width), fontsize=8.5, fontweight=weight)
    values = [0.0, *(x for drift in rows for x in (*drift.band, drift.effect))]
    margin = 0.06 * (max(values) - min(values) or 1)
    axes.set_xlim(min(values) - (margin if min(values) < 0 else margin / 3), max(values) + margin)
    axes.axvline(0, color=style.QUIET, linewidth=1)
    style.name_rows(axes, [style.shorten(title(drift.name)) for drift in rows])
    axes.xaxis.set_major_locator(MaxNLocator(4 if width < 4 else 7))
    axes.set_xlabel(textwrap.fill(f"moved by … {unit}", int(width * 12)))


def _words(drift: Drift, width: float) -> str:
    word, effect = verdict(drift), style.number(drift.effect)
    if width > style.NARROW:
        return f"{effect}  {word}"
    return effect if word == "as usual" else f"{effect}\n{word.split(',')[0]}"


@style.styled
def draw_accuracy(accuracy: Accuracy | None, width: float = style.HALF) -> Figure:
    """A row a figure, with its 95 % interval where it has one."""
    if accuracy is None:
        return style.sentence("No images, so nothing to be right or wrong about.", width)
    rows = _rows(accuracy)
    picture, axes = style.figure(width, 0.7 + 0.62 * len(rows))
    for row, (_, value, low, high, marks) in enumerate(rows):
        whiskers = [[max(0, value - low)], [max(0, high - value)]]
        axes.errorbar(value, row, xerr=whiskers, elinewidth=1.6, capsize=3, markersize=7, **marks)
        style.write_beside(axes, row, f"{value:.1%}")
    lowest = min(low for _, _, low, _, _ in rows)
    highest = max(high for _, _, _, high, _ in rows)
    margin = max(0.01, (highest - lowest) / 5)
    axes.set_xlim(max(0, lowest - margin), min(1.002, highest + margin))
    style.name_rows(axes, [name for name, *_ in rows])
    axes.xaxis.set_major_locator(MaxNLocator(2 if width < 4 else 5, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share * 100:g}%"))
    axes.set_xlabel("accuracy")
    return picture


def _rows(accuracy: Accuracy) -> list[tuple[str, float, float, float, dict]]:
    """Return name, value, low, high and marks of each figure there is."""
    rows = []
    if accuracy.expected_baseline is not None:
        then = accuracy.expected_baseline
        rows.append(("promised, baseline", then, then, then, PROMISED))
    now = (accuracy.expected, accuracy.expected_low, accuracy.expected_high)
    rows.append(("promised, now", *now, PROMISED))
    if accuracy.expected_labelled is not None:
        held = accuracy.expected_labelled
        rows.append(("promised, labelled ones", held, held, held, PROMISED))
    if accuracy.true is not None:
        seen = (accuracy.true, accuracy.true_low, accuracy.true_high)
        rows.append((f"true, {accuracy.labelled:,} labelled", *seen, SEEN))
    return rows


@style.styled
def draw_reliability(accuracy: Accuracy | None, width: float = style.HALF) -> Figure:
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
    style.legend(picture, axes, width)
    return picture


@style.styled
def draw_least_confident(tiles: Sequence[Tile], width: float = style.WIDE) -> Figure:
    """Each image with its label and confidence, the least sure first."""
    if not tiles:
        return style.sentence("No captured images to show.", width)
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
        place.set_title(title, fontsize=8.5, loc="center")
    return picture
