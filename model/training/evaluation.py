"""How right a model is and how far its confidence can be believed: NumPy alone."""

from typing import NamedTuple

import numpy as np

from .data import Dataset

TEMPERATURE_BOUNDS = (0.05, 20.0)
CALIBRATION_BINS = 15
CALIBRATION_DRAWS = 1000  # of labels, to know what calibration error chance alone makes
THRESHOLDS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.99)
Z_95 = 1.959964  # the standard normal's 97.5 % point


def softmax(logits: np.ndarray) -> np.ndarray:
    """Logits ... x C -> probabilities ... x C."""
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature with the least negative log-likelihood (Guo et al. 2017, section 4.2).

    logits: N x C; labels: N. A true class counts as 1 - 1 / (N + 2) and the others share the rest
    (Platt 1999, section 2.2): else N rows that are all right would ask for certainty. The
    likelihood is convex in 1 / temperature, so its slope is bisected.
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
    """Each confidence's bin, 1 to CALIBRATION_BINS, of equal width; it holds its upper edge."""
    return np.maximum(np.ceil(confidence * CALIBRATION_BINS).astype(int), 1)


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """How far N confidences lie from accuracy, over the bins (Guo et al. 2017, equation 3).

    The sum over the bins of |bin| / N * |accuracy - mean confidence|.
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
    """The calibration error that a perfectly calibrated model has on so few rows.

    Of N rows each bin's accuracy is off by chance, so the error above never averages 0; it says
    something only by what it has more than this. The rows are right as often as their confidence
    says, CALIBRATION_DRAWS times over.
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
    """Which of N confidences a filter at that threshold lets through, as bool N; without one, none.

    Compared as float32, as the filter does (handlers/outcomes.judge): the model answers in it.
    """
    if threshold is None:
        return np.zeros(len(confidence), bool)
    return np.asarray(confidence, np.float32) >= np.float32(threshold)


def threshold_for(precision: float, probabilities: np.ndarray, labels: np.ndarray) -> float | None:
    """The lowest threshold at which that share of the rows at or above it is right.

    None if no threshold reaches it. Thresholds have four decimals, so that they can be written
    down as they are.
    """
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == labels
    for threshold in np.unique(np.floor(confidence * 1e4) / 1e4):
        if right[accepted(confidence, threshold)].mean() >= precision:
            return float(threshold)
    return None


def at_threshold(threshold: float | None, probabilities: np.ndarray, labels: np.ndarray) -> dict:
    """What a filter at that threshold would let through, and how much of it is right."""
    through = accepted(probabilities.max(1), threshold)
    right = (probabilities.argmax(1) == labels)[through]
    return {
        "coverage": float(through.mean()),
        "precision": float(right.mean()) if through.any() else None,
    }


def wilson_interval(right: int, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion (Wilson 1927)."""
    share, z2 = right / count, Z_95**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = Z_95 / (1 + z2 / count) * (share * (1 - share) / count + z2 / (4 * count**2)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def evaluate(logits: np.ndarray, data: Dataset, temperature: float) -> dict:
    """Everything that metrics.json says of one channel. A share of nothing is null."""
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
                "coverage": share(through.sum(), count),
                "accuracy": share(right[through].sum(), through.sum()),
            }
            for threshold in THRESHOLDS
            for through in [accepted(confidence, threshold)]
        ],
    }
