"""Accuracy as the confidences promise it, and as ground truth shows it."""

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from scripts.monitoring.plots import style
from scripts.monitoring.report import Accuracy

PROMISED = {"color": style.INK, "marker": "D", "markerfacecolor": "white"}
SEEN = {"color": style.BLUE, "marker": "o"}


@style.styled
def draw(accuracy: Accuracy | None, width: float = style.HALF) -> Figure:
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
