"""Drift: how far confidences, label mix, features and embeddings lie from the baseline's.

A drift is violated where chance is an unlikely reason (its p-value is below the level, divided by
the number of properties compared: Bonferroni) and it is large enough to matter.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from monitoring import permutation, table
from monitoring.permutation import Comparison


class _Property(NamedTuple):
    unit: str
    most: int  # rows of either side that are compared: more make no test surer, only slower
    compare: Callable[[np.ndarray, np.ndarray], Comparison]


# All that is compared, as constraints.json and the report name it.
PROPERTIES = {
    "confidence": _Property("on its scale of 0 to 1", 5000, permutation.wasserstein),
    "label": _Property("of the photos", 5000, permutation.total_variation),
    **dict.fromkeys(
        table.FEATURES, _Property("baseline standard deviations", 5000, permutation.wasserstein)
    ),
    "embedding": _Property("on its scale of 0 to 1 (energy coefficient)", 1500, permutation.energy),
}


@dataclass(frozen=True)
class Drift:
    """How far one property of the current photos lies from the baseline's.

    `band` is the null band of `effect`: where it lies if both come from the same source, by
    permutation. `minimum_effect` is what matters. `baseline` and `current` count photos. Labels and
    embeddings have no mean.
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
    def title(self) -> str:
        """What people read for the name."""
        return title(self.name)

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
            f"{self.title} moved by {self.effect:.3g} {self.unit}{moved}; chance alone moves it "
            f"by {low:.2g} to {high:.2g} (p {self.p_value:.2g}, {self.current:,} photos against "
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
    comparison = compare(first, second)
    return Drift(
        name=name,
        effect=comparison.effect,
        minimum_effect=minimum_effect,
        unit=unit,
        band=comparison.band(level),
        p_value=comparison.p_value,
        baseline=len(first),
        current=len(second),
        violated=comparison.p_value <= level and comparison.effect >= minimum_effect,
        baseline_mean=means[0],
        current_mean=means[1],
    )


def _sample(rows: np.ndarray, most: int) -> np.ndarray:
    """Return at most so many of the rows, drawn evenly at random, always the same ones."""
    if len(rows) <= most:
        return rows
    chosen = np.random.default_rng(permutation.SEED).choice(len(rows), most, replace=False)
    return rows[np.sort(chosen)]
