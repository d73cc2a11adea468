"""Pictures of what was captured: confidence, classes, shares accepted, latency."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator, PercentFormatter

from model.training import evaluation
from monitoring import table
from monitoring.plots import style

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

Datapoint = tuple[datetime, float, float, float]


@style.styled
def draw_confidence_over_time(
    frame: pd.DataFrame, threshold: float, width: float = style.WIDE
) -> Figure:
    """Points for images; their running median and 10 % quantile; the threshold."""
    if frame.empty:
        return style.sentence("No images in this span of time.", width)
    picture, axes = style.figure(width, 3.3)
    confidence = pd.Series(style.clip_confidence(frame["confidence"]))
    axes.plot(
        style.naive(frame["time"]),
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
    by_span = style.cut(frame["time"])
    for name, (quantile, line) in LINES.items():
        values = confidence.groupby(by_span.of_row).quantile(quantile)
        axes.plot(
            by_span.middles, values, marker="." if len(values) < 3 else "", label=name, **line
        )
    axes.axhline(threshold, label=f"threshold {threshold:g}", **style.THRESHOLD)
    style.scale_confidence(axes, "y", confidence.min())
    style.axis(axes, frame["time"], width)
    axes.set_ylabel("confidence")
    style.legend(picture, axes, style.columns(width))
    return picture


@style.styled
def draw_confidence_by_class(
    frame: pd.DataFrame, threshold: float, width: float = style.HALF
) -> Figure:
    """A box a class, from the 5 % to the 95 % quantile, by the label that the model gave."""
    if frame.empty:
        return style.sentence("No images in this span of time.", width)
    classes = by_label(frame)
    picture, axes = style.figure(width, 1.1 + 0.52 * len(classes))
    names = []
    for row, (label, confidence) in enumerate(classes.items()):
        count = len(confidence)
        accepted = evaluation.accepted(confidence, threshold).mean()
        names.append(f"{style.short(label)}\n{count:,}, {style.share(accepted)} accepted")
        drawn = style.clip_confidence(confidence)
        if count < BOXED:
            axes.plot(drawn, np.full(count, row), "o", color=style.BLUE, alpha=0.6)
        else:
            _box(axes, row, np.quantile(drawn, QUANTILES))
    axes.axvline(threshold, label=f"threshold {threshold:g}", **style.THRESHOLD)
    style.scale_confidence(axes, "x", min(_lowest(confidence) for confidence in classes.values()))
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("confidence")
    style.legend(picture, axes, style.columns(width))
    return picture


def by_label(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return each label's confidences, in the model's order of classes."""
    classes, _ = table.probabilities(frame)
    labels = frame["label"].astype(str)
    given = set(labels)
    order = [name for name in classes if name in given]
    order += sorted(given.difference(order))
    return {name: frame["confidence"].to_numpy()[labels == name] for name in order}


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


@style.styled
def draw_share_accepted(frame: pd.DataFrame, threshold: float, width: float = style.WIDE) -> Figure:
    """The share accepted by span of time with Wilson's 95 % band; the whole time's share."""
    if frame.empty:
        return style.sentence("No images in this span of time.", width)
    picture, axes = style.figure(width, 2.8)
    accepted = evaluation.accepted(frame["confidence"], threshold)
    by_span = style.cut(frame["time"])
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
    style.axis(axes, frame["time"], width)
    axes.set_ylabel("accepted")
    style.legend(picture, axes, style.columns(width))
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
        axes.plot(
            style.naive(times), values, label=name, linewidth=1.5, markersize=3.5 * marked, **line
        )
    axes.set_yscale("log")
    lowest, highest = min(percentiles[0]), max(percentiles[2])
    axes.set_ylim(lowest / 1.5, highest * 1.5)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.set_ylabel("milliseconds")
    style.axis(axes, times, width)
    style.legend(picture, axes, style.columns(width))
    return picture
