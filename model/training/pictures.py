"""The job's four pictures."""

from pathlib import Path

import numpy as np

from .data import Dataset
from .evaluation import at_threshold, expected_calibration_error, softmax, wilson_interval

# Two colours that colour-blind eyes and a grey printer tell apart, with different lines and marks.
STYLES = {
    "validation": {"color": "#E69F00", "linestyle": "--", "marker": "s"},
    "test": {"color": "#0072B2", "linestyle": "-", "marker": "o"},
}


def draw(folder: Path, channels: dict[str, Dataset], logits: dict[str, np.ndarray], job: dict):
    """Write the four pictures.

    logits: N x C, before the temperature; job: the content of metrics.json, and `history`.
    """
    probabilities = {name: softmax(logits[name] / job["temperature"]) for name in STYLES}
    labels = {name: channels[name].labels for name in STYLES}
    draw_learning(folder / "learning.png", job["history"])
    draw_reliability(folder / "reliability.png", probabilities, labels)
    draw_coverage(folder / "coverage.png", probabilities, labels, job["operating_point"])
    matrix = np.array(job["test"]["confusion_matrix"])
    draw_confusion(folder / "confusion.png", matrix, channels["test"].classes)


def figure(width: float = 6, height: float = 5):
    """An empty picture and its axes."""
    from matplotlib.figure import Figure  # here, because training itself does not need it

    picture = Figure((width, height), dpi=120, layout="constrained")
    axes = picture.subplots()
    axes.grid(color="0.9")
    axes.set_axisbelow(True)
    return picture, axes


def draw_learning(path: Path, history: list[dict]) -> None:
    """Loss and validation accuracy by epoch."""
    picture, axes = figure()
    epochs = [row["epoch"] for row in history]
    style = {**STYLES["validation"], "markersize": 3}
    axes.plot(epochs, [row["validation_accuracy"] for row in history], **style)
    axes.set(xlabel="epoch", ylabel="validation accuracy (dashed)", title="Learning curve")
    axes.xaxis.get_major_locator().set_params(integer=True)
    loss = axes.twinx()
    loss.plot(epochs, [row["loss"] for row in history], color="black")
    loss.set_ylabel("training loss (solid)")
    picture.savefig(path)


def draw_reliability(path: Path, probabilities: dict, labels: dict) -> None:
    """Accuracy by confidence, in bins of as many rows each, with 95 % intervals."""
    picture, axes = figure()
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="perfect")
    lowest = 1.0
    for name, style in STYLES.items():
        confidence = probabilities[name].max(1)
        right = probabilities[name].argmax(1) == labels[name]
        bins = np.array_split(np.argsort(confidence), min(10, max(1, len(right) // 30)))
        middles = [confidence[rows].mean() for rows in bins]
        shares = [right[rows].mean() for rows in bins]
        intervals = [wilson_interval(int(right[rows].sum()), len(rows)) for rows in bins]
        below = [share - low for share, (low, _) in zip(shares, intervals, strict=True)]
        above = [high - share for share, (_, high) in zip(shares, intervals, strict=True)]
        error = expected_calibration_error(probabilities[name], labels[name])
        label = f"{name}, expected calibration error {error:.3f}"
        bars = np.clip([below, above], 0, None)
        axes.errorbar(middles, shares, bars, capsize=3, label=label, **style)
        lowest = min(lowest, *middles, *(low for low, _ in intervals))
    limits = (max(0.0, lowest - 0.02), 1.005)
    axes.set(xlabel="confidence", ylabel="accuracy", title="Reliability", xlim=limits, ylim=limits)
    axes.legend(loc="upper left")
    picture.savefig(path)


def draw_coverage(path: Path, probabilities: dict, labels: dict, point: dict) -> None:
    """Precision by coverage as the threshold falls, and the operating point on each curve."""
    picture, axes = figure()
    for name, style in STYLES.items():
        confidence = probabilities[name].max(1)
        order = np.argsort(-confidence, kind="stable")
        right = (probabilities[name].argmax(1) == labels[name])[order]
        counts = np.arange(1, len(right) + 1)
        line = {key: style[key] for key in ("color", "linestyle")}
        axes.plot(counts / len(right), right.cumsum() / counts, label=name, **line)
        at = at_threshold(point["threshold"], probabilities[name], labels[name])
        if at["precision"] is not None:
            mark = {key: style[key] for key in ("color", "marker")}
            label = f"threshold {point['threshold']:.4f}"
            axes.plot(*at.values(), linestyle="", markersize=9, label=label, **mark)
    target = point["precision_target"]
    axes.axhline(target, color="black", linewidth=1, linestyle=":", label=f"target {target:g}")
    title = "Precision of the images above a threshold"
    axes.set(xlabel="coverage (share of the images above it)", ylabel="precision", title=title)
    axes.legend(loc="lower left")
    picture.savefig(path)


def draw_confusion(path: Path, matrix: np.ndarray, classes: list[str]) -> None:
    """Test images by true and predicted class: darker for a larger share of the true class."""
    side = max(5.0, 0.6 * len(classes) + 2)
    picture, axes = figure(side, side)
    axes.grid(visible=False)
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    axes.imshow(shares, cmap="Greys", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(matrix):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, str(count), ha="center", va="center", color=colour)
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
    axes.set_yticks(range(len(classes)), classes)
    axes.set(xlabel="predicted", ylabel="true", title="Test images")
    picture.savefig(path)
