"""Distances between samples, and the null bands that random splits give them."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

from monitoring import permutation


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(permutation, "RESAMPLES", 199)


@pytest.mark.parametrize(("first", "second"), [(40, 25), (2, 30), (20, 20)])
def test_the_wasserstein_distance_is_scipys(rng, few, first, second):
    baseline, current = rng.gamma(2, 1, first), rng.normal(1, 2, second)
    result = permutation.wasserstein(baseline, current)
    assert result.effect == pytest.approx(stats.wasserstein_distance(baseline, current))


def test_equal_values_are_no_distance(few):
    result = permutation.wasserstein(np.full(30, 0.3), np.full(20, 0.3))
    assert (result.effect, result.p_value) == (0, 1)


def test_total_variation_is_the_share_that_would_need_another_label(few):
    baseline = np.array(["a"] * 8 + ["b"] * 2)
    current = np.array(["a"] * 5 + ["b"] * 3 + ["new"] * 2)
    assert permutation.total_variation(baseline, current).effect == pytest.approx(0.3)


def test_the_energy_coefficient_is_what_its_definition_gives(rng, few):
    baseline, current = rng.normal(size=(30, 5)), rng.normal(0.4, 1.5, (20, 5))
    between = cdist(baseline, current).mean()
    apart = 2 * between - cdist(baseline, baseline).mean() - cdist(current, current).mean()
    result = permutation.energy(baseline, current)
    assert result.effect == pytest.approx(apart / (2 * between), rel=1e-4)


def test_the_energy_coefficient_is_0_for_equal_and_1_for_distant_points(few):
    same = permutation.energy(np.ones((20, 3)), np.ones((10, 3)))
    assert (same.effect, same.p_value) == (0, 1)
    apart = permutation.energy(np.zeros((20, 3)), np.full((10, 3), 9.0))
    assert apart.effect == pytest.approx(1)


def test_a_small_p_value_counts_the_effect_itself_among_the_splits(rng):
    result = permutation.wasserstein(rng.normal(size=200), rng.normal(5, 1, 200))
    assert result.p_value == pytest.approx(1 / (permutation.RESAMPLES + 1))
    assert result.effect > result.band(0.001)[1]
