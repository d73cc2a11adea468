"""Pictures of how good it is: drift, accuracy, reliability, the least confident images."""

import itertools
import math
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from monitoring.findings import Accuracy, Drift, title
from monitoring.gallery import Tile
from monitoring.plots import style

MARKS = {
    "violation": {"marker": "D", "color": style.VERMILION, "markersize": 8},
    "above, tolerated": {
        "marker": "s",
        "color": style.ORANGE,
        "markersize": 6.5,
        "markeredgecolor": style.INK,
    },
    "as usual": {
        "marker": "o",
        "color": style.BLUE,
        "markersize": 6.5,
        "markerfacecolor": "white",
        "markeredgewidth": 1.6,
    },
}

PROMISED = {"color": style.INK, "marker": "D", "markerfacecolor": "white"}
SEEN = {"color": style.BLUE, "marker": "o"}

TILE = 1.3  # inches


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
    handles = [Patch(color=style.BAND, label="by chance alone")]
    handles += [Line2D([], [], linestyle="", label=word, **MARKS[word]) for word in MARKS]
    handles = [handle for handle in handles if handle.get_label() in {"by chance alone", *used}]
    columns = style.columns(width)
    picture.legend(handles=handles, loc="outside upper left", ncols=columns, columnspacing=1.4)
    return picture


def verdict(drift: Drift) -> str:
    """Return what a drift is called: one of MARKS."""
    if drift.violated:
        return "violation"
    # Effects are distances: what moved less than chance would move it has not drifted.
    return "as usual" if drift.effect <= drift.band[1] else "above, tolerated"


def _panel(axes, unit: str, rows: list[Drift], width: float) -> None:
    for row, drift in enumerate(rows):
        low, high = drift.band
        axes.barh(row, high - low, left=low, height=0.62, color=style.BAND)
        word = verdict(drift)
        axes.plot(drift.effect, row, linestyle="", **MARKS[word])
        axes.annotate(
            _words(drift, width),
            (1, row),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            fontweight="bold" if drift.violated else "normal",
            annotation_clip=False,
        )
    values = [0.0, *(x for drift in rows for x in (*drift.band, drift.effect))]
    margin = 0.06 * (max(values) - min(values) or 1)
    axes.set_xlim(min(values) - (margin if min(values) < 0 else margin / 3), max(values) + margin)
    axes.axvline(0, color=style.QUIET, linewidth=1)
    axes.set_yticks(range(len(rows)), [style.short(title(drift.name)) for drift in rows])
    axes.set_ylim(len(rows) - 0.45, -0.55)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
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
        axes.annotate(
            f"{value:.1%}",
            (1, row),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            annotation_clip=False,
        )
    lowest = min(low for _, _, low, _, _ in rows)
    highest = max(high for _, _, _, high, _ in rows)
    margin = max(0.01, (highest - lowest) / 5)
    axes.set_xlim(max(0, lowest - margin), min(1.002, highest + margin))
    axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
    axes.set_ylim(len(rows) - 0.45, -0.55)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
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
    style.legend(picture, axes, style.columns(width))
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
            place.imshow(np.asarray(tile.image.convert("RGB")), interpolation="nearest")
        title = f"{style.short(tile.label)[:14]}\n{tile.confidence:.3f}"
        place.set_title(title, fontsize=8.5, loc="center")
    return picture
