"""Drift: how far confidences, label mix, features and embeddings lie from the baseline's.

A drift is violated where chance is an unlikely reason (its p-value is below the level, divided by
the number of properties compared: Bonferroni) and it is large enough to matter. What chance does is
seen by splitting the pooled rows at random into samples of the same sizes, which assumes nothing of
how the values are spread.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from scipy.stats import permutation_test

from monitoring import table

RESAMPLES = 1999
BATCH = 200  # splits held in memory at once
SEED = 0


class Comparison(NamedTuple):
    """An effect, its null distribution (RESAMPLES) and how rarely that reaches the effect."""

    effect: float
    null: np.ndarray
    p_value: float


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

    return _permute(ranks, len(baseline), distance)


def total_variation(baseline: np.ndarray, current: np.ndarray) -> Comparison:
    """Compare labels: the effect is the share of photos that would need another label, 0 to 1."""
    names, codes = np.unique(np.concatenate([baseline, current]), return_inverse=True)

    def distance(first: np.ndarray, second: np.ndarray, axis: int) -> np.ndarray:
        differences = [
            np.abs((first == code).mean(axis) - (second == code).mean(axis))
            for code in range(len(names))
        ]
        return np.sum(differences, axis=0) / 2

    return _permute(codes, len(baseline), distance)


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

    return _permute(np.arange(len(pooled)), len(baseline), distance)


def _permute(rows: np.ndarray, count: int, distance: Callable) -> Comparison:
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


class _Property(NamedTuple):
    unit: str
    most: int  # rows of either side that are compared: more make no test surer, only slower
    compare: Callable[[np.ndarray, np.ndarray], Comparison]


# All that is compared, as constraints.json and the report name it.
PROPERTIES = {
    "confidence": _Property("on its scale of 0 to 1", 5000, wasserstein),
    "label": _Property("of the photos", 5000, total_variation),
    **dict.fromkeys(table.FEATURES, _Property("baseline standard deviations", 5000, wasserstein)),
    "embedding": _Property("on its scale of 0 to 1 (energy coefficient)", 1500, energy),
}


@dataclass(frozen=True)
class Drift:
    """How far one property of the current photos lies from the baseline's.

    `band` is where `effect` lies by chance if both are from one source; `minimum_effect` is what
    matters. `baseline` and `current` count photos. Labels and embeddings have no mean.
    """

    name: str
    effect: float
    minimum_effect: float
    unit: str
    band: tuple[float, float]
    p_value: float
    baseline: int
    current: int
    violated: bool
    baseline_mean: float | None = None
    current_mean: float | None = None

    @property
    def bound(self) -> float:
        """The effect from which on it is a violation: more than chance, and enough to matter."""
        return max(self.minimum_effect, self.band[1])

    @property
    def verdict(self) -> str:
        """What the drift is called."""
        if self.violated:
            return "violation"
        # Effects are distances: what moved less than chance would move it has not drifted.
        return "as usual" if self.effect <= self.band[1] else "above, tolerated"

    def describe(self) -> str:
        """Return the drift in words: how far, against which band, of how many photos."""
        moved = ""
        if self.baseline_mean is not None:
            moved = f", mean {self.baseline_mean:.3g} before and {self.current_mean:.3g} now"
        low, high = self.band
        return (
            f"{title(self.name)} moved by {self.effect:.3g} {self.unit}{moved}; chance alone moves "
            f"it by {low:.2g} to {high:.2g} (p {self.p_value:.2g}, {self.current:,} photos against "
            f"{self.baseline:,})"
        )


def title(name: str) -> str:
    """Return what people read for the name of a property or of a bound."""
    return {"label": "label mix"}.get(name, name.replace("_", " "))


def list_properties(frame: pd.DataFrame) -> list[str]:
    """Return the properties that are known of a table's photos: all, but for the embedding."""
    embedded = table.embeddings(frame).size > 0
    return [name for name in PROPERTIES if embedded or name != "embedding"]


def measure(
    baseline: pd.DataFrame,
    current: pd.DataFrame,
    minimum_effects: Mapping[str, float],
    level: float,
    minimum_images: int,
) -> tuple[list[Drift], list[str]]:
    """Return the drift of each property, and why a property of the baseline was not compared.

    minimum_effects: the effect that matters, in its unit, of each of PROPERTIES that is to be
    compared. level: how often a report on photos like the baseline's may err at most.
    """
    samples, reasons = {}, []
    for name in list_properties(baseline):
        if name not in minimum_effects:
            continue
        before, now = (_read_values(frame, name) for frame in (baseline, current))
        if min(len(before), len(now)) < minimum_images:
            reasons.append(
                f"{name}: known of {len(before):,} of the baseline's photos and of {len(now):,} of "
                f"these, {minimum_images:,} of each are needed"
            )
        else:
            samples[name] = before, now
    corrected = level / max(len(samples), 1)
    drifts = [
        _compare(name, before, now, corrected, minimum_effects[name])
        for name, (before, now) in samples.items()
    ]
    return drifts, reasons


def _read_values(frame: pd.DataFrame, name: str) -> np.ndarray:
    """Return a property of the photos: labels, numbers, or vectors, none where there are none."""
    if name == "embedding":
        vectors = table.embeddings(frame)
        return vectors if vectors.size else vectors[:0]
    return frame[name].to_numpy(dtype=str if name == "label" else np.float64)


def _compare(
    name: str, before: np.ndarray, now: np.ndarray, level: float, minimum_effect: float
) -> Drift:
    unit, most, compare = PROPERTIES[name]
    means = (None, None)
    if name not in ("label", "embedding"):
        means = float(before.mean()), float(now.mean())
    first, second = _sample(before, most), _sample(now, most)
    if name in table.FEATURES:
        scale = before.std() or 1.0  # without any spread, the feature's own unit serves
        first, second = first / scale, second / scale
    effect, null, p_value = compare(first, second)
    low, high = np.quantile(null, [level, 1 - level])
    return Drift(
        name=name,
        effect=effect,
        minimum_effect=minimum_effect,
        unit=unit,
        band=(float(low), float(high)),
        p_value=p_value,
        baseline=len(first),
        current=len(second),
        violated=p_value <= level and effect >= minimum_effect,
        baseline_mean=means[0],
        current_mean=means[1],
    )


def _sample(rows: np.ndarray, most: int) -> np.ndarray:
    """Return at most so many of the rows, drawn evenly at random, always the same ones."""
    if len(rows) <= most:
        return rows
    return rows[np.sort(np.random.default_rng(SEED).choice(len(rows), most, replace=False))]
