"""The job's plots."""

from pathlib import Path

import numpy as np

from .evaluation import (
    Answers,
    accepted,
    expected_calibration_error,
    measure_threshold,
    wilson_interval,
)

# Two colours that colour-blind eyes and a grey printer tell apart, with different lines and marks.
STYLES = {
    "validation": {"color": "#E69F00", "linestyle": "--", "marker": "s"},
    "test": {"color": "#0072B2", "linestyle": "-", "marker": "o"},
}


def draw(folder: Path, answers: dict[str, Answers], job: dict) -> None:
    """Write the plots.

    answers: of validation and test; job: the content of metrics.json, `history` and `classes`.
    """
    draw_learning(folder / "learning.png", job["history"])
    draw_reliability(folder / "reliability.png", answers)
    draw_coverage(folder / "coverage.png", answers, job["operating_point"])
    draw_confusion(
        folder / "confusion.png", np.array(job["test"]["confusion_matrix"]), job["classes"]
    )
    if len(answers["test"].strangers):
        draw_strangers(folder / "strangers.png", answers["test"], job["operating_point"])


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


def draw_reliability(path: Path, answers: dict[str, Answers]) -> None:
    """Accuracy by confidence, in bins of as many of the mix each, with 95 % intervals.

    A bin of weighted answers is worth as many as its effective sample size (Kish 1965).
    """
    picture, axes = figure()
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="perfect")
    lowest = 1.0
    for name, style in STYLES.items():
        each = answers[name]
        order = np.argsort(each.confidence)
        shares = each.weights[order].cumsum()
        count = min(10, max(1, len(each.labels) // 30))
        bins = np.split(order, np.searchsorted(shares, np.arange(1, count) / count))
        middles, accuracies, intervals = [], [], []
        for rows in filter(len, bins):
            weights = each.weights[rows]
            middles.append(np.average(each.confidence[rows], weights=weights))
            accuracy = np.average(each.right[rows], weights=weights)
            accuracies.append(accuracy)
            size = weights.sum() ** 2 / (weights**2).sum()
            intervals.append(wilson_interval(accuracy * size, size))
        below = [share - low for share, (low, _) in zip(accuracies, intervals, strict=True)]
        above = [high - share for share, (_, high) in zip(accuracies, intervals, strict=True)]
        label = f"{name}, expected calibration error {expected_calibration_error(each):.3f}"
        bars = np.clip([below, above], 0, None)
        axes.errorbar(middles, accuracies, bars, capsize=3, label=label, **style)
        lowest = min(lowest, *middles, *(low for low, _ in intervals))
    limits = (max(0.0, lowest - 0.02), 1.005)
    axes.set(xlabel="confidence", ylabel="accuracy", title="Reliability", xlim=limits, ylim=limits)
    axes.legend(loc="upper left")
    picture.savefig(path)


def draw_coverage(path: Path, answers: dict[str, Answers], point: dict) -> None:
    """Precision by coverage as the threshold falls, and the operating point on each curve."""
    picture, axes = figure()
    for name, style in STYLES.items():
        each = answers[name]
        order = np.argsort(-each.confidence, kind="stable")
        weights, right = each.weights[order], each.right[order]
        covered = (order < len(each.labels)).cumsum() / len(each.labels)
        line = {key: style[key] for key in ("color", "linestyle")}
        axes.plot(covered, (weights * right).cumsum() / weights.cumsum(), label=name, **line)
        at = measure_threshold(point["threshold"], each)
        if at["precision"] is not None:
            mark = {key: style[key] for key in ("color", "marker")}
            label = f"threshold {point['threshold']:.4f}"
            place = (at["coverage"], at["precision"])
            axes.plot(*place, linestyle="", markersize=9, label=label, **mark)
    target = point["precision_target"]
    axes.axhline(target, color="black", linewidth=1, linestyle=":", label=f"target {target:g}")
    axes.set(
        xlabel="coverage (share of the classes' images above the threshold)",
        ylabel="precision of all images above it",
        title="Precision of the images above a threshold",
    )
    axes.legend(loc="lower left")
    picture.savefig(path)


def draw_strangers(path: Path, answers: Answers, point: dict) -> None:
    """The shares of test images accepted by threshold: of the classes', and of strangers."""
    picture, axes = figure()
    thresholds = np.linspace(0, 1, 501)
    photos = answers.probabilities.max(1), "test images of the classes", STYLES["test"]
    others = answers.strangers.max(1), "strangers", STYLES["validation"]
    for confidence, label, style in (photos, others):
        shares = [accepted(confidence, threshold).mean() for threshold in thresholds]
        line = {key: style[key] for key in ("color", "linestyle")}
        axes.plot(thresholds, shares, label=f"{label} ({len(confidence):,})", **line)
    if point["threshold"] is not None:
        strangers = point["test"]["strangers"]
        low, high = strangers["interval"]
        label = (
            f"threshold {point['threshold']:.4f}: {strangers['accepted']:.1%} of strangers\n"
            f"(95 % interval {low:.1%} to {high:.1%})"
        )
        axes.axvline(point["threshold"], color="black", linewidth=1, linestyle=":", label=label)
    axes.set(xlabel="threshold", ylabel="share accepted", title="Photos accepted", ylim=(0, 1.02))
    axes.legend(loc="center")
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
