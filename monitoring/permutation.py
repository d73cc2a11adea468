"""Two samples compared: an effect, and the null band that it has where both are from one source.

The null distribution comes from splitting the pooled rows at random into samples of the same
sizes (scipy.stats.permutation_test), which assumes nothing of how the values are spread. Each
distance here is 0 for equal samples and grows as they part.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import permutation_test

RESAMPLES = 1999
BATCH = 200  # splits held in memory at once
SEED = 0


@dataclass(frozen=True)
class Comparison:
    """An effect, its null distribution (RESAMPLES) and how rarely that reaches the effect."""

    effect: float
    null: np.ndarray
    p_value: float

    def band(self, level: float) -> tuple[float, float]:
        """Return the range of effects outside of which a share `level` lies on either side."""
        low, high = np.quantile(self.null, [level, 1 - level])
        return float(low), float(high)


def wasserstein(baseline: np.ndarray, current: np.ndarray) -> Comparison:
    """Compare numbers by how far one must move, on average, to turn one sample into the other.

    The effect has the numbers' own unit (Wasserstein-1: the area between the two cumulative
    distributions).
    """
    pooled = np.concatenate([baseline, current]).astype(np.float64)
    order = np.argsort(pooled, kind="stable")
    gaps = np.diff(pooled[order])
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(pooled))

    def distance(first: np.ndarray, second: np.ndarray, axis: int) -> np.ndarray:
        steps = np.full((*first.shape[:-1], len(pooled)), -1 / second.shape[-1])
        np.put_along_axis(steps, first, 1 / first.shape[-1], axis=-1)
        return np.abs(np.cumsum(steps, axis=-1)[..., :-1]) @ gaps

    return _compare(ranks, len(baseline), distance)


def total_variation(baseline: np.ndarray, current: np.ndarray) -> Comparison:
    """Compare labels: the effect is the share of photos that would need another label, 0 to 1."""
    names, codes = np.unique(np.concatenate([baseline, current]), return_inverse=True)

    def distance(first: np.ndarray, second: np.ndarray, axis: int) -> np.ndarray:
        differences = [
            np.abs((first == code).mean(axis) - (second == code).mean(axis))
            for code in range(len(names))
        ]
        return np.sum(differences, axis=0) / 2

    return _compare(codes, len(baseline), distance)


def energy(baseline: np.ndarray, current: np.ndarray) -> Comparison:
    """Compare vectors (N x D, M x D): the effect is 0 for equal samples, 1 for wholly apart ones.

    It is Székely and Rizzo's coefficient of inhomogeneity: the energy distance over twice the mean
    distance between the samples ("Energy statistics", J. Stat. Plan. Inference 143, 2013).
    """
    pooled = np.concatenate([baseline, current])
    distances = cdist(pooled, pooled)
    # Without their mean, the sums below stay small enough for float32, which is twice as fast.
    mean = distances.mean()
    distances = (distances - mean).astype(np.float32)
    total = distances.sum(dtype=np.float64)

    def distance(first: np.ndarray, second: np.ndarray, axis: int) -> np.ndarray:
        n, m = first.shape[-1], second.shape[-1]
        chosen = np.zeros((*first.shape[:-1], len(pooled)), np.float32)
        np.put_along_axis(chosen, first, 1, axis=-1)
        sums = chosen @ distances
        within_first = (sums * chosen).sum(-1, dtype=np.float64)
        between = sums.sum(-1, dtype=np.float64) - within_first
        within_second = total - within_first - 2 * between
        between /= n * m
        apart = 2 * between - within_first / n**2 - within_second / m**2
        whole = 2 * (between + mean)
        return np.divide(apart, whole, out=np.zeros_like(apart), where=whole > 0)

    return _compare(np.arange(len(pooled)), len(baseline), distance)


def _compare(rows: np.ndarray, count: int, distance) -> Comparison:
    """Compare the first `count` rows with the rest; a row is what `distance` reads of it."""
    result = permutation_test(
        (rows[:count], rows[count:]),
        distance,
        alternative="greater",
        n_resamples=RESAMPLES,
        vectorized=True,
        batch=BATCH,
        axis=-1,
        rng=SEED,
    )
    return Comparison(float(result.statistic), result.null_distribution, float(result.pvalue))
