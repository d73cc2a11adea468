"""The numbers of metrics.json, held against values worked out by hand or known from print."""

import math

import numpy as np
import pytest

from model.training import evaluation
from model.training.data import Dataset


def test_temperature_undoes_a_known_miscalibration():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 3))
    chances = evaluation.softmax(logits)
    labels = (rng.random((20_000, 1)) > chances.cumsum(1)).sum(1)
    assert evaluation.fit_temperature(logits, labels) == pytest.approx(1, rel=0.03)
    assert evaluation.fit_temperature(logits * 2.5, labels) == pytest.approx(2.5, rel=0.03)
    assert evaluation.fit_temperature(logits / 2, labels) == pytest.approx(0.5, rel=0.03)


@pytest.mark.parametrize("count", [2, 10, 100])
def test_rows_that_are_all_right_do_not_make_the_model_certain(count):
    logits, labels = np.tile([2.0, -1.0], (count, 1)), np.zeros(count, int)
    probabilities = evaluation.softmax(logits / evaluation.fit_temperature(logits, labels))
    assert probabilities.max(1) == pytest.approx((count + 1) / (count + 2))


def test_expected_calibration_error_by_hand():
    # 15 bins. Confidences .55 and .57 share the bin (8/15, 9/15]: one of two right, mean .56.
    # .95 has (14/15, 1] to itself, and is right. So 2/3 * |.5 - .56| + 1/3 * |1 - .95|.
    probabilities = np.array([[0.55, 0.45], [0.43, 0.57], [0.95, 0.05]])
    error = evaluation.expected_calibration_error(probabilities, np.array([0, 0, 0]))
    assert error == pytest.approx(2 / 3 * 0.06 + 1 / 3 * 0.05)


def test_calibration_error_by_chance_is_what_drawn_labels_average():
    # Fifteen rows in a bin of their own, right with chance .9: the mean of |right - 13.5| / 15 over
    # the binomial distribution.
    confidence = np.full(15, 0.9)
    chances = [math.comb(15, k) * 0.9**k * 0.1 ** (15 - k) for k in range(16)]
    expected = sum(chance * abs(k - 13.5) / 15 for k, chance in enumerate(chances))
    assert evaluation.calibration_error_by_chance(confidence).mean == pytest.approx(
        expected, rel=0.05
    )
    assert evaluation.calibration_error_by_chance(np.ones(10)) == (0, 0)
    many, few = (
        evaluation.calibration_error_by_chance(np.full(n, 0.9)).mean for n in (10_000, 100)
    )
    assert few == pytest.approx(10 * many, rel=0.2)


POINTS = np.array([0.91, 0.97, 0.88, 0.995, 0.62, 0.95])
RIGHT = np.array([True, True, False, True, True, True])


@pytest.mark.parametrize(
    ("target", "threshold", "coverage", "precision"),
    [(0.99, 0.91, 4 / 6, 1.0), (0.8, 0.62, 1.0, 5 / 6), (0.84, 0.91, 4 / 6, 1.0)],
)
def test_threshold_is_the_lowest_that_reaches_the_precision(target, threshold, coverage, precision):
    probabilities = np.stack([POINTS, 1 - POINTS], 1)
    labels = np.where(RIGHT, 0, 1)
    found = evaluation.threshold_for(target, probabilities, labels)
    assert found == pytest.approx(threshold)
    at = evaluation.at_threshold(found, probabilities, labels)
    assert at == {"coverage": pytest.approx(coverage), "precision": pytest.approx(precision)}


def test_a_threshold_has_four_decimals_and_counts_the_rows_that_rounding_lets_in():
    # Floored, the threshold of the sure rows is .9000, which lets the wrong one at .90001 in too.
    confidence = np.array([0.90001, 0.90009, 0.96])
    probabilities, labels = np.stack([confidence, 1 - confidence], 1), np.array([1, 0, 0])
    assert evaluation.threshold_for(0.99, probabilities, labels) == 0.96


def test_without_a_threshold_that_reaches_the_precision_nothing_is_covered():
    probabilities, labels = np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([1, 0])
    assert evaluation.threshold_for(0.99, probabilities, labels) is None
    at = evaluation.at_threshold(None, probabilities, labels)
    assert at == {"coverage": 0.0, "precision": None}


# Newcombe, Statistics in Medicine 17 (1998), table I, method 3 (score, no continuity correction).
@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_matches_published_values(right, count, low, high):
    assert evaluation.wilson_interval(right, count) == pytest.approx((low, high), abs=5e-5)


def test_evaluate_counts_what_a_person_would_count():
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8], [0.45, 0.55]])
    labels = np.array([0, 1, 1, 1, 0])
    data = Dataset(np.zeros((5, 16, 16, 3), np.uint8), labels, ["bicycle", "motorcycle"])
    report = evaluation.evaluate(np.log(probabilities), data, temperature=1.0)

    assert report["images"] == 5
    assert report["accuracy"] == 0.6
    assert report["confusion_matrix"] == [[1, 1], [1, 2]]
    assert report["classes"]["bicycle"] == {"images": 2, "precision": 0.5, "recall": 0.5}
    assert report["classes"]["motorcycle"] == {"images": 3, "precision": 2 / 3, "recall": 2 / 3}
    by_threshold = {row["threshold"]: row for row in report["thresholds"]}
    assert by_threshold[0.5] == {"threshold": 0.5, "coverage": 1.0, "accuracy": 0.6}
    assert by_threshold[0.75] == {"threshold": 0.75, "coverage": 0.4, "accuracy": 1.0}
    assert by_threshold[0.95] == {"threshold": 0.95, "coverage": 0.0, "accuracy": None}
    errors = report["expected_calibration_error"]
    assert errors["before_temperature"] == errors["after_temperature"]
