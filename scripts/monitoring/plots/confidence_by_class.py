"""How sure the model is of each class that it names."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from scripts.monitoring import table
from scripts.monitoring.plots import nines, style

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
BOXED = 20  # fewer images are drawn one by one: quantiles would pretend to know more


@style.styled
def draw(frame: pd.DataFrame, threshold: float, width: float = style.HALF) -> Figure:
    """A box a class, from the 5 % to the 95 % quantile, by the label that the model gave."""
    if frame.empty:
        return style.sentence("No images in this span of time.", width)
    classes = by_label(frame)
    picture, axes = style.figure(width, 1.1 + 0.52 * len(classes))
    names = []
    for row, (label, confidence) in enumerate(classes.items()):
        count = len(confidence)
        accepted = (confidence >= np.float32(threshold)).sum() / count
        names.append(f"{style.short(label)}\n{count:,}, {style.share(accepted)} accepted")
        drawn = nines.clipped(confidence)
        if count < BOXED:
            axes.plot(drawn, np.full(count, row), "o", color=style.BLUE, alpha=0.6)
        else:
            _box(axes, row, np.quantile(drawn, QUANTILES))
    axes.axvline(threshold, label=f"threshold {threshold:g}", **style.THRESHOLD)
    nines.apply(axes, "x", min(_lowest(confidence) for confidence in classes.values()))
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
