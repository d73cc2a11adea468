"""Accuracy: what the confidences promise, and what ground truth says of it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import binom, binomtest

from monitoring.findings import Accuracy

COVERED = 0.95  # of every interval


def is_accepted(confidence: np.ndarray, threshold: float) -> np.ndarray:
    """Return which of N confidences the filter accepts at that threshold, as bool N.

    Compared as float32, as the filter does (handlers/outcomes.judge).
    """
    return np.asarray(confidence, np.float32) >= np.float32(threshold)


def measure(
    frame: pd.DataFrame, labels: Mapping[str, str], baseline: pd.DataFrame | None
) -> Accuracy:
    """Return the accuracy expected of the photos, at least one, and the true one of those labelled.

    labels: the true class by image id. Calibrated confidences are chances to be right, so their
    mean is the expected accuracy.
    """
    confidence = frame["confidence"].astype(float)
    expected = float(confidence.mean())
    low, high = expected_interval(expected, len(frame))
    before = None if baseline is None else float(baseline["confidence"].mean())
    truth = frame["image_id"].map(labels)
    labelled = truth.notna()
    if not labelled.any():
        return Accuracy(expected, low, high, before)
    right = (truth == frame["label"])[labelled]
    return Accuracy(
        expected,
        low,
        high,
        before,
        len(right),
        float(confidence[labelled].mean()),
        float(right.mean()),
        *wilson(right.sum(), len(right)),
    )


def expected_interval(expected: float, photos: int) -> tuple[float, float]:
    """Return where the accuracy of so many photos lies if the confidences are right.

    Binomial: drawing photos anew and then whether each is right has exactly that distribution.
    Of the very photos at hand the number right is Poisson-binomial, which spreads no wider
    (Hoeffding, Ann. Math. Stat. 27, 1956).
    """
    low, high = binom(photos, expected).interval(COVERED)
    return float(low / photos), float(high / photos)


def shortfall_p_value(accuracy: Accuracy) -> float:
    """Return how likely as few right answers are, or fewer, if the confidences are right.

    1 without labels. By the binomial distribution, which errs on the safe side (see above).
    """
    if accuracy.true is None:
        return 1.0
    right = round(accuracy.true * accuracy.labelled)
    return float(binom(accuracy.labelled, accuracy.expected_labelled).cdf(right))


def wilson(right: int, photos: int) -> tuple[float, float]:
    """Return Wilson's score interval of a share."""
    interval = binomtest(int(right), int(photos)).proportion_ci(COVERED, method="wilson")
    return float(interval.low), float(interval.high)
