"""Drift: how far confidence, label mix, image features and embeddings lie from the baseline's.

A drift is violated where chance is an unlikely reason (its p-value is below the level, divided by
the number of properties compared: Bonferroni) and it is large enough to matter.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from monitoring import permutation, table
from monitoring.findings import Drift
from monitoring.permutation import Comparison

# More rows of either side make no test surer than it needs to be, only slower.
VALUES = 5000
VECTORS = 1500

CONFIDENCE_UNIT = "on its scale of 0 to 1"
FEATURE_UNIT = "baseline standard deviations"
LABEL_UNIT = "of the images"
# All that is compared, as constraints.json and the report name it.
PROPERTIES = ("confidence", "label", *table.FEATURES, "embedding")

EMBEDDING_UNIT = "on its scale of 0 to 1 (energy coefficient)"


HINT = "; name the --model, or judge without: --no-embedding"


@dataclass(frozen=True)
class _Test:
    name: str
    group: str
    unit: str
    baseline: np.ndarray
    current: np.ndarray
    most: int  # rows of either side that are compared
    compare: Callable[[np.ndarray, np.ndarray], Comparison]
    means: tuple[float, float] | None = None


def measure(
    baseline: pd.DataFrame,
    current: pd.DataFrame,
    minimum_effects: Mapping[str, float],
    level: float,
    minimum_images: int,
) -> tuple[list[Drift], list[str]]:
    """Return the drift of each property, and why a property of the baseline was not compared.

    minimum_effects: the effect that matters, in its unit, of each of PROPERTIES that is to be
    compared. level: how often a report on images like the baseline's may err at most.
    """
    tests, reasons = [], []
    for test in [
        _confidence(baseline, current),
        _label(baseline, current),
        *(_feature(name, baseline, current) for name in table.FEATURES),
        _embedding(baseline, current),
    ]:
        if not len(test.baseline) or test.name not in minimum_effects:
            continue  # neither the baseline nor its constraints ask for it
        sides = ((test.baseline, "of the baseline's images"), (test.current, "images"))
        few = [f"{len(rows):,} {whose}" for rows, whose in sides if len(rows) < minimum_images]
        if few:
            known = " and ".join(few)
            hint = HINT if test.name == "embedding" and not len(test.current) else ""
            reasons.append(f"{test.name}: known of {known}, {minimum_images:,} are needed{hint}")
        else:
            tests.append(test)
    corrected = level / max(len(tests), 1)
    return [_drift(test, corrected, minimum_effects[test.name]) for test in tests], reasons


def _drift(test: _Test, level: float, minimum_effect: float) -> Drift:
    baseline, current = (_sample(rows, test.most) for rows in (test.baseline, test.current))
    comparison = test.compare(baseline, current)
    before, now = test.means or (None, None)
    return Drift(
        name=test.name,
        group=test.group,
        effect=comparison.effect,
        unit=test.unit,
        band=comparison.band(level),
        p_value=comparison.p_value,
        baseline=len(baseline),
        current=len(current),
        violated=comparison.p_value <= level and comparison.effect >= minimum_effect,
        baseline_value=before,
        current_value=now,
    )


def _confidence(baseline: pd.DataFrame, current: pd.DataFrame) -> _Test:
    before, now = _values(baseline, "confidence"), _values(current, "confidence")
    compare = permutation.wasserstein
    means = _means(before, now)
    return _Test("confidence", "confidence", CONFIDENCE_UNIT, before, now, VALUES, compare, means)


def _label(baseline: pd.DataFrame, current: pd.DataFrame) -> _Test:
    before, now = (frame["label"].to_numpy(dtype=str) for frame in (baseline, current))
    compare = permutation.total_variation
    return _Test("label", "label mix", LABEL_UNIT, before, now, VALUES, compare)


def _feature(name: str, baseline: pd.DataFrame, current: pd.DataFrame) -> _Test:
    before, now = _values(baseline, name), _values(current, name)
    spread = before.std() if len(before) else 0.0

    def compare(first: np.ndarray, second: np.ndarray) -> Comparison:
        # A baseline without any spread has no unit of its own; then the feature's serves.
        return permutation.wasserstein(first / (spread or 1), second / (spread or 1))

    means = _means(before, now)
    return _Test(name, "feature", FEATURE_UNIT, before, now, VALUES, compare, means)


def _embedding(baseline: pd.DataFrame, current: pd.DataFrame) -> _Test:
    before, now = (_vectors(frame) for frame in (baseline, current))
    compare = permutation.energy
    return _Test("embedding", "embedding", EMBEDDING_UNIT, before, now, VECTORS, compare)


def _vectors(frame: pd.DataFrame) -> np.ndarray:
    vectors = table.embeddings(frame)
    return vectors[np.isfinite(vectors).all(1)] if vectors.shape[1] else vectors[:0]


def _values(frame: pd.DataFrame, name: str) -> np.ndarray:
    values = frame[name].to_numpy(dtype=np.float64)
    return values[np.isfinite(values)]


def _means(before: np.ndarray, now: np.ndarray) -> tuple[float, float] | None:
    return (float(before.mean()), float(now.mean())) if len(before) and len(now) else None


def _sample(rows: np.ndarray, most: int) -> np.ndarray:
    """Return at most so many of the rows, drawn evenly at random, always the same ones."""
    if len(rows) <= most:
        return rows
    chosen = np.random.default_rng(permutation.SEED).choice(len(rows), most, replace=False)
    return rows[np.sort(chosen)]
