"""Accuracy: what the confidences promise, and what ground truth says of it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import binom, binomtest

from monitoring.findings import Accuracy, ReliabilityBin

COVERED = 0.95  # of every interval
CALIBRATION_BINS = 15  # as in model/training/evaluation.py, or the figures could not be compared


def is_accepted(confidence: np.ndarray, threshold: float) -> np.ndarray:
    """Return which of N confidences the filter accepts at that threshold, as bool N.

    Compared as float32, as the filter does (handlers/outcomes.judge).
    """
    return np.asarray(confidence, np.float32) >= np.float32(threshold)


def measure(
    frame: pd.DataFrame, labels: Mapping[str, str], baseline: pd.DataFrame | None
) -> Accuracy:
    """Return the accuracy expected of the images, at least one, and the true one of those labelled.

    labels: the true class by image id. Calibrated confidences are chances to be right, so their
    mean is the expected accuracy.
    """
    confidence = frame["confidence"].to_numpy(dtype=np.float64)
    expected = confidence.mean()
    low, high = expected_interval(expected, len(confidence))
    truth = frame["image_id"].map(labels)
    known = truth.notna().to_numpy()
    right = (truth == frame["label"]).to_numpy()[known]
    true = true_low = true_high = None
    if known.any():
        true, (true_low, true_high) = right.mean(), wilson(right.sum(), len(right))
    return Accuracy(
        expected=float(expected),
        expected_low=low,
        expected_high=high,
        true=None if true is None else float(true),
        true_low=true_low,
        true_high=true_high,
        labelled=int(known.sum()),
        expected_baseline=None if baseline is None else float(baseline["confidence"].mean()),
        expected_labelled=float(confidence[known].mean()) if known.any() else None,
        calibration_error=calibration_error(confidence[known], right) if known.any() else None,
        reliability=reliability_bins(confidence[known], right),
    )


def expected_interval(expected: float, images: int) -> tuple[float, float]:
    """Return where the accuracy of so many images lies if the confidences are right.

    Binomial: drawing images anew and then whether each is right has exactly that distribution.
    Of the very images at hand the number right is Poisson-binomial, which spreads no wider
    (Hoeffding, Ann. Math. Stat. 27, 1956).
    """
    low, high = binom(images, expected).interval(COVERED)
    return float(low / images), float(high / images)


def shortfall_p_value(accuracy: Accuracy) -> float:
    """Return how likely as few right answers are, or fewer, if the confidences are right.

    1 without labels. By the binomial distribution, which errs on the safe side (see above).
    """
    if accuracy.true is None:
        return 1.0
    right = round(accuracy.true * accuracy.labelled)
    return float(binom(accuracy.labelled, accuracy.expected_labelled).cdf(right))


def wilson(right: int, images: int) -> tuple[float, float]:
    """Return Wilson's score interval of a share."""
    interval = binomtest(int(right), int(images)).proportion_ci(COVERED, method="wilson")
    return float(interval.low), float(interval.high)


def calibration_bins(confidence: np.ndarray) -> np.ndarray:
    """Return each confidence's bin, 1 to CALIBRATION_BINS, of equal width, with its upper edge."""
    return np.maximum(np.ceil(confidence * CALIBRATION_BINS).astype(int), 1)


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Return how far N confidences lie from accuracy, over the bins (Guo et al. 2017, eq. 3)."""
    gaps = np.bincount(calibration_bins(confidence), weights=right - confidence)
    return float(np.abs(gaps).sum() / len(confidence))


def reliability_bins(confidence: np.ndarray, right: np.ndarray) -> list[ReliabilityBin]:
    """Return the bins of the calibration error that hold labelled images."""
    bins = calibration_bins(confidence)
    result = []
    for number in np.unique(bins):
        inside = bins == number
        low, high = wilson(right[inside].sum(), inside.sum())
        result.append(
            ReliabilityBin(
                low=float((number - 1) / CALIBRATION_BINS),
                high=float(number / CALIBRATION_BINS),
                images=int(inside.sum()),
                confidence=float(confidence[inside].mean()),
                accuracy=float(right[inside].mean()),
                accuracy_low=low,
                accuracy_high=high,
            )
        )
    return result
