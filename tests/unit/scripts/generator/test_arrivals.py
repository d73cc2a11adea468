import numpy as np
import pytest

from scripts.generator import arrivals


def test_arrivals_are_ascending_within_the_duration_and_the_seeds_own():
    times = arrivals.times(20, 60, seed=1)
    assert np.all(np.diff(times) > 0)
    assert times[0] > 0
    assert times[-1] < 60
    np.testing.assert_array_equal(times, arrivals.times(20, 60, seed=1))
    assert not np.array_equal(times[:10], arrivals.times(20, 60, seed=2)[:10])


def test_gaps_are_exponential():
    gaps = np.diff(arrivals.times(50, 400, seed=3))
    assert gaps.mean() == pytest.approx(1 / 50, rel=0.05)
    assert gaps.std() == pytest.approx(1 / 50, rel=0.05)
    assert np.mean(gaps > 1 / 50) == pytest.approx(np.exp(-1), abs=0.02)


@pytest.mark.parametrize("seed", range(30))
def test_the_whole_duration_is_filled_also_where_few_arrive(seed):
    assert all(time < 3 for time in arrivals.times(0.5, 3, seed))
    counts = np.histogram(arrivals.times(30, 100, seed), bins=10, range=(0, 100))[0]
    assert counts.min() > 200
