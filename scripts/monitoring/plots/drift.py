"""How far everything that is watched lies from the baseline, beside what chance alone would do."""

import itertools
import textwrap
from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from scripts.monitoring.plots import style
from scripts.monitoring.report import Drift, title

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


@style.styled
def draw(drifts: Sequence[Drift], width: float = style.WIDE) -> Figure:
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
