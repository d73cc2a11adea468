"""Drift: how far confidence, label mix, image features and embeddings lie from the baseline's.

A drift is violated where chance is an unlikely reason (its p-value is below the level, divided by
the number of properties compared: Bonferroni) and it is large enough to matter.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from monitoring import permutation, table
from monitoring.findings import Drift
from monitoring.permutation import Comparison

HINT = "; name the --model, or judge without: --no-embedding"


class _Property(NamedTuple):
    group: str
    unit: str
    most: int  # rows of either side that are compared: more make no test surer, only slower
    compare: Callable[[np.ndarray, np.ndarray], Comparison]


# All that is compared, as constraints.json and the report name it.
PROPERTIES = {
    "confidence": _Property("confidence", "on its scale of 0 to 1", 5000, permutation.wasserstein),
    "label": _Property("label mix", "of the images", 5000, permutation.total_variation),
    **dict.fromkeys(
        table.FEATURES,
        _Property("feature", "baseline standard deviations", 5000, permutation.wasserstein),
    ),
    "embedding": _Property(
        "embedding", "on its scale of 0 to 1 (energy coefficient)", 1500, permutation.energy
    ),
}


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
    samples, reasons = {}, []
    for name in PROPERTIES:
        before, now = (_read_values(frame, name) for frame in (baseline, current))
        if not len(before) or name not in minimum_effects:
            continue  # neither the baseline nor its constraints ask for it
        sides = ((before, "of the baseline's images"), (now, "images"))
        few = [f"{len(rows):,} {whose}" for rows, whose in sides if len(rows) < minimum_images]
        if few:
            known = " and ".join(few)
            hint = HINT if name == "embedding" and not len(now) else ""
            reasons.append(f"{name}: known of {known}, {minimum_images:,} are needed{hint}")
        else:
            samples[name] = before, now
    corrected = level / max(len(samples), 1)
    drifts = [
        _compare(name, before, now, corrected, minimum_effects[name])
        for name, (before, now) in samples.items()
    ]
    return drifts, reasons


def _read_values(frame: pd.DataFrame, name: str) -> np.ndarray:
    """Return a property of the images of which it is known: labels, numbers or vectors."""
    if name == "embedding":
        values = table.embeddings(frame)
    else:
        values = frame[name].to_numpy(dtype=str if name == "label" else np.float64)
    return values[table.is_known(frame, name)]


def _compare(
    name: str, before: np.ndarray, now: np.ndarray, level: float, minimum_effect: float
) -> Drift:
    group, unit, most, compare = PROPERTIES[name]
    means = (None, None)
    if before.dtype.kind == "f" and before.ndim == 1:
        means = float(before.mean()), float(now.mean())
    first, second = _sample(before, most), _sample(now, most)
    if group == "feature":
        scale = before.std() or 1.0  # without any spread, the feature's own unit serves
        first, second = first / scale, second / scale
    comparison = compare(first, second)
    return Drift(
        name=name,
        group=group,
        effect=comparison.effect,
        unit=unit,
        band=comparison.band(level),
        p_value=comparison.p_value,
        baseline=len(first),
        current=len(second),
        violated=comparison.p_value <= level and comparison.effect >= minimum_effect,
        baseline_value=means[0],
        current_value=means[1],
    )


def _sample(rows: np.ndarray, most: int) -> np.ndarray:
    """Return at most so many of the rows, drawn evenly at random, always the same ones."""
    if len(rows) <= most:
        return rows
    chosen = np.random.default_rng(permutation.SEED).choice(len(rows), most, replace=False)
    return rows[np.sort(chosen)]
