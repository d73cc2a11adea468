"""Accuracy promised and true, checked by hand."""

import numpy as np
import pandas as pd
import pytest

from model.training import evaluation
from monitoring import accuracy


def images(confidence, right):
    """Images and the labels of ground truth that make them right or not."""
    ids = [f"id-{number}" for number in range(len(confidence))]
    truth = {
        name: "bicycle" if good else "motorcycle" for name, good in zip(ids, right, strict=True)
    }
    table = pd.DataFrame({"image_id": ids, "label": "bicycle", "confidence": confidence})
    return table, truth


def test_the_expected_accuracy_is_the_mean_confidence():
    table, _ = images([0.9, 0.8, 1.0, 0.7], [True] * 4)
    baseline, _ = images([0.6, 0.8], [True] * 2)
    found = accuracy.measure(table, {}, baseline)
    assert found.expected == pytest.approx(0.85)
    assert found.expected_baseline == pytest.approx(0.7)
    assert found.expected_low <= 0.85 <= found.expected_high
    assert (found.true, found.labelled, found.reliability) == (None, 0, [])


def test_the_true_accuracy_is_that_of_the_labelled_images_alone():
    table, truth = images([0.9] * 5 + [0.5] * 5, [True] * 3 + [False] * 7)
    known = {name: truth[name] for name in list(truth)[:4]}
    found = accuracy.measure(table, {**known, "another image": "bicycle"}, None)
    assert (found.true, found.labelled) == (0.75, 4)
    assert found.expected_labelled == pytest.approx(0.9)
    assert found.expected == pytest.approx(0.7)


def test_wilsons_interval_is_the_textbooks():
    # 81 of 263: Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    assert accuracy.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    low, high = accuracy.wilson(10, 10)
    assert high == pytest.approx(1)
    assert low == pytest.approx(0.7225, abs=5e-5)


@pytest.mark.parametrize(("right", "count"), [(0, 3), (81, 263), (10, 10)])
def test_the_interval_is_that_of_the_training_job(right, count):
    assert accuracy.wilson(right, count) == pytest.approx(evaluation.wilson_interval(right, count))


def test_reliability_puts_each_image_into_its_bin():
    # 15 bins: .55 lies in (8/15, 9/15], .91 in (13/15, 14/15], .95 and 1 in the last.
    table, truth = images([0.95, 0.91, 0.8, 0.55, 1.0], [True, False, True, False, True])
    found = accuracy.measure(table, truth, None)
    bins = [(item.low, item.high, item.images, item.accuracy) for item in found.reliability]
    assert bins == [
        (pytest.approx(8 / 15), pytest.approx(9 / 15), 1, 0.0),
        (pytest.approx(11 / 15), pytest.approx(12 / 15), 1, 1.0),  # a bin holds its upper edge
        (pytest.approx(13 / 15), pytest.approx(14 / 15), 1, 0.0),
        (pytest.approx(14 / 15), 1.0, 2, 1.0),
    ]
    assert found.reliability[3].confidence == pytest.approx((0.95 + 1) / 2)
    assert found.reliability[3].accuracy_low < 1 == found.reliability[3].accuracy_high
    # |0 - .55| + |1 - .8| + |0 - .91| + |2 - 1.95| over 5 images
    assert found.calibration_error == pytest.approx((0.55 + 0.2 + 0.91 + 0.05) / 5)


def test_the_calibration_error_is_that_of_the_training_job():
    """Another number of bins would be another figure under the same name."""
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.5, 1, 500)
    right = rng.random(500) < confidence
    probabilities = np.stack([confidence, 1 - confidence], 1)
    table, truth = images(confidence, right)
    assert accuracy.measure(
        table, truth, None
    ).calibration_error == evaluation.expected_calibration_error(
        probabilities, np.where(right, 0, 1)
    )


def test_a_shortfall_is_as_likely_as_the_binomial_says():
    table, truth = images([0.9] * 10, [True] * 6 + [False] * 4)
    found = accuracy.measure(table, truth, None)
    assert accuracy.shortfall_p_value(found) == pytest.approx(0.0127951984)  # B(6; 10, 0.9)
