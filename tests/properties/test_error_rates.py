"""The statistics err as seldom as they say, in simulations whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from monitoring import accuracy, drift


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def normal(rng, count):
    return rng.normal(size=count)


def labels(rng, count):
    return rng.choice(["a", "b", "c"], count, p=[0.6, 0.3, 0.1])


def vectors(rng, count):
    return rng.normal(size=(count, 4)).astype(np.float32)


@pytest.mark.parametrize(
    ("compare", "draw"),
    [
        (drift.wasserstein, normal),
        (drift.total_variation, labels),
        (drift.energy, vectors),
    ],
    ids=["wasserstein", "total variation", "energy"],
)
def test_samples_of_one_source_are_significant_as_seldom_as_the_level_says(
    monkeypatch, rng, compare, draw
):
    monkeypatch.setattr(drift, "RESAMPLES", 99)
    trials, level = 200, 0.1
    found = [compare(draw(rng, 30), draw(rng, 20)) for _ in range(trials)]
    significant = sum(item.p_value <= level for item in found)
    above = sum(item.effect > np.quantile(item.null, 1 - level) for item in found)
    # 20 are expected; by chance more than 33 come once in a thousand times.
    assert significant <= 33
    assert above <= 33
    # A test that is never significant would be no test; labels are few, hence often even.
    assert significant >= 5


def test_the_expected_interval_holds_the_accuracy_of_95_in_100_draws(rng):
    low, high = accuracy.expected_interval(0.9, 400)
    confidence = rng.beta(9, 1, (2000, 400))  # of mean 0.9
    accuracies = (rng.random(confidence.shape) < confidence).mean(1)
    assert ((accuracies >= low) & (accuracies <= high)).mean() == pytest.approx(0.95, abs=0.02)


def test_calibrated_confidences_fall_short_as_seldom_as_the_level_says(rng):
    short = 0
    for _ in range(60):
        confidence = rng.beta(9, 1, 100)
        right = rng.random(100) < confidence
        ids = [f"id-{number}" for number in range(100)]
        truth = dict(zip(ids, np.where(right, "bicycle", "motorcycle"), strict=True))
        images = pd.DataFrame({"image_id": ids, "label": "bicycle", "confidence": confidence})
        measured = accuracy.measure(images, truth)
        short += accuracy.shortfall_p_value(measured) <= 0.05
    assert short <= 10  # 3 are expected at most; more than 10 come once in a thousand times
