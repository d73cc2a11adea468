"""Accuracy promised and true, checked by hand."""

import pandas as pd
import pytest

from model.training import evaluation
from monitoring import accuracy


def make(confidence, right):
    """Photos and the labels of ground truth that make them right or not."""
    ids = [f"id-{number}" for number in range(len(confidence))]
    truth = {
        name: "bicycle" if good else "motorcycle" for name, good in zip(ids, right, strict=True)
    }
    table = pd.DataFrame({"image_id": ids, "label": "bicycle", "confidence": confidence})
    return table, truth


def test_the_expected_accuracy_is_the_mean_confidence():
    table, _ = make([0.9, 0.8, 1.0, 0.7], [True] * 4)
    baseline, _ = make([0.6, 0.8], [True] * 2)
    result = accuracy.measure(table, {}, baseline)
    assert result.expected == pytest.approx(0.85)
    assert result.expected_baseline == pytest.approx(0.7)
    assert result.expected_low <= 0.85 <= result.expected_high
    assert (result.true, result.labelled) == (None, 0)


def test_the_true_accuracy_is_that_of_the_labelled_photos_alone():
    table, truth = make([0.9] * 5 + [0.5] * 5, [True] * 3 + [False] * 7)
    some = {name: truth[name] for name in list(truth)[:4]}
    result = accuracy.measure(table, {**some, "another photo": "bicycle"}, None)
    assert (result.true, result.labelled) == (0.75, 4)
    assert (result.true_low, result.true_high) == accuracy.wilson(3, 4)
    assert result.expected_labelled == pytest.approx(0.9)
    assert result.expected == pytest.approx(0.7)


@pytest.mark.parametrize(("right", "count"), [(0, 3), (81, 263), (10, 10)])
def test_the_interval_is_that_of_the_training_job(right, count):
    assert accuracy.wilson(right, count) == pytest.approx(evaluation.wilson_interval(right, count))


def test_a_shortfall_is_as_likely_as_the_binomial_says():
    table, truth = make([0.9] * 10, [True] * 6 + [False] * 4)
    result = accuracy.measure(table, truth, None)
    assert accuracy.shortfall_p_value(result) == pytest.approx(0.0127951984)  # B(6; 10, 0.9)
