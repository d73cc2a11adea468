"""A model's accuracy, calibration and thresholds, with NumPy alone."""

from typing import NamedTuple

import numpy as np

from .data import Dataset

TEMPERATURE_BOUNDS = (0.05, 20.0)
CALIBRATION_BINS = 15
CALIBRATION_DRAWS = 1000  # of labels, for the calibration error by chance
THRESHOLDS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.99)
Z_95 = 1.959964  # the standard normal's 97.5 % point


def softmax(logits: np.ndarray) -> np.ndarray:
    """Logits ... x C -> probabilities ... x C."""
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature with the least negative log-likelihood (Guo et al. 2017, section 4.2).

    logits: N x C; labels: N. A true class counts as 1 - 1 / (N + 2) and the others share the rest
    (Platt 1999, section 2.2): else N right rows would lead to certainty. The likelihood is convex
    in 1 / temperature, so its slope is bisected.
    """
    count, classes = logits.shape
    doubt = 1 / (count + 2)
    targets = np.full_like(logits, doubt / (classes - 1))
    targets[np.arange(count), labels] = 1 - doubt
    truth = (targets * logits).sum(1).mean()
    low, high = TEMPERATURE_BOUNDS
    for _ in range(50):
        middle = (low * high) ** 0.5
        expected = (softmax(logits / middle) * logits).sum(1).mean()
        if expected > truth:  # too sure of the wrong classes: the temperature must rise
            low = middle
        else:
            high = middle
    return float(middle)


def calibration_bins(confidence: np.ndarray) -> np.ndarray:
    """Each confidence's bin, 1 to CALIBRATION_BINS, of equal width, upper edge included."""
    return np.maximum(np.ceil(confidence * CALIBRATION_BINS).astype(int), 1)


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """The distance of N confidences from accuracy (Guo et al. 2017, equation 3).

    It is the sum over the bins of |bin| / N * |accuracy - mean confidence|.
    """
    bins = calibration_bins(confidence)
    gaps = np.bincount(bins, weights=right - confidence)  # |bin| * (accuracy - mean confidence)
    return float(np.abs(gaps).sum() / len(confidence))


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The calibration error of probabilities N x C, whose likeliest classes are the answers."""
    return calibration_error(probabilities.max(1), probabilities.argmax(1) == labels)


class ByChance(NamedTuple):
    """A perfectly calibrated model's calibration error: its mean and its 95th percentile."""

    mean: float
    percentile_95: float


def calibration_error_by_chance(confidence: np.ndarray) -> ByChance:
    """The calibration error of a perfectly calibrated model on N rows.

    It is not 0, as each bin's accuracy is off by chance: only an error above it says something. In
    each of CALIBRATION_DRAWS draws a row is right with the probability of its confidence.
    """
    rng = np.random.default_rng(0)
    bins = calibration_bins(confidence)
    errors = []
    for _ in range(CALIBRATION_DRAWS):
        right = rng.random(len(confidence)) < confidence
        errors.append(np.abs(np.bincount(bins, weights=right - confidence)).sum())
    errors = np.array(errors) / len(confidence)
    return ByChance(float(errors.mean()), float(np.percentile(errors, 95)))


def accepted(confidence: np.ndarray, threshold: float | None) -> np.ndarray:
    """Which of N confidences a filter at that threshold accepts, as bool N; none without one.

    They are compared as float32, the type of the model's answers, as in handlers/outcomes.judge.
    """
    if threshold is None:
        return np.zeros(len(confidence), bool)
    return np.asarray(confidence, np.float32) >= np.float32(threshold)


def threshold_for(precision: float, probabilities: np.ndarray, labels: np.ndarray) -> float | None:
    """The lowest threshold, of four decimals, that reaches this precision; None if none does.

    The precision is the share of right rows among those at or above the threshold.
    """
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == labels
    for threshold in np.unique(np.floor(confidence * 1e4) / 1e4):
        if right[accepted(confidence, threshold)].mean() >= precision:
            return float(threshold)
    return None


def at_threshold(threshold: float | None, probabilities: np.ndarray, labels: np.ndarray) -> dict:
    """The share of rows that a filter at that threshold accepts, and the share of these right."""
    rows = accepted(probabilities.max(1), threshold)
    right = (probabilities.argmax(1) == labels)[rows]
    return {
        "coverage": float(rows.mean()),
        "precision": float(right.mean()) if rows.any() else None,
    }


def wilson_interval(right: int, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion (Wilson 1927)."""
    share, z2 = right / count, Z_95**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = Z_95 / (1 + z2 / count) * (share * (1 - share) / count + z2 / (4 * count**2)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def evaluate(logits: np.ndarray, data: Dataset, temperature: float) -> dict:
    """One channel's part of metrics.json. A share of nothing is null."""
    probabilities = softmax(logits / temperature)
    confidence, predicted = probabilities.max(1), probabilities.argmax(1)
    right = predicted == data.labels
    count, classes = len(right), len(data.classes)
    confusion = np.zeros((classes, classes), int)
    np.add.at(confusion, (data.labels, predicted), 1)

    def share(part: int, whole: int) -> float | None:
        return float(part / whole) if whole else None

    return {
        "images": count,
        "accuracy": share(right.sum(), count),
        "accuracy_interval": wilson_interval(int(right.sum()), count),
        "classes": {
            name: {
                "images": int(confusion[i].sum()),
                "precision": share(confusion[i, i], confusion[:, i].sum()),
                "recall": share(confusion[i, i], confusion[i].sum()),
            }
            for i, name in enumerate(data.classes)
        },
        "confusion_matrix": confusion.tolist(),  # a row per true class, a column per predicted one
        "expected_calibration_error": {
            "before_temperature": expected_calibration_error(softmax(logits), data.labels),
            "after_temperature": expected_calibration_error(probabilities, data.labels),
            "by_chance": calibration_error_by_chance(confidence).mean,
        },
        "thresholds": [
            {
                "threshold": threshold,
                "coverage": share(rows.sum(), count),
                "accuracy": share(right[rows].sum(), rows.sum()),
            }
            for threshold in THRESHOLDS
            for rows in [accepted(confidence, threshold)]
        ],
    }
