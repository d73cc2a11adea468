"""The judgement: captured images against a baseline, and what does not hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from model.training import evaluation
from monitoring import accuracy, drift, model_monitor, table
from monitoring.baseline import Baseline
from monitoring.findings import (
    HEALTHY,
    NOT_ENOUGH_DATA,
    VIOLATION,
    Accuracy,
    Drift,
    Report,
    Violation,
    title,
)
from monitoring.rules import Rules

# A larger share of unreadable records leaves open what the images at hand stand for.
MOST_UNREADABLE = 0.05

# Model Monitor's words for what does not hold.
DRIFTED = "baseline_drift_check"
INCOMPLETE = "completeness_check"
ABOVE = "GreaterThanThreshold"
BELOW = "LessThanThreshold"


@dataclass(frozen=True)
class Images:
    """What is judged: the table, its span, and what could not be read."""

    frame: pd.DataFrame
    since: datetime | None = None
    until: datetime | None = None
    records: int = 0  # that could be read
    unreadable: int = 0
    endpoint: str = ""
    model: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def assess(images: Images, baseline: Baseline | None, rules: Rules) -> Report:
    """Judge the images.

    A violation outweighs a gap in the data, and "healthy" is only said where nothing is missing;
    of too few images nothing is said at all.
    """
    frame = images.frame
    reasons, violations, drifts = _gaps(images, baseline, rules), [], []
    accepted = evaluation.accepted(frame["confidence"], rules.threshold)
    quality = share_accepted = None
    if len(frame):
        quality = accuracy.measure(frame, images.labels, baseline and baseline.frame)
        share_accepted = float(accepted.mean())
    if len(frame) >= rules.minimum_images:
        if baseline and not reasons:
            drifts, uncompared = drift.measure(
                baseline.frame,
                frame,
                model_monitor.minimum_effects(baseline.constraints),
                rules.level,
                rules.minimum_images,
            )
            reasons += uncompared
            violations += [_drifted(item) for item in drifts if item.violated]
            violations += _incomplete(frame, baseline)
        violations += _review(accepted, rules)
        violations += _inaccurate(quality, rules)
    reasons += _unread(images)
    return Report(
        status=_status(reasons, violations),
        reasons=reasons,
        since=images.since,
        until=images.until,
        images=len(frame),
        unreadable=images.unreadable,
        threshold=rules.threshold,
        drifts=drifts,
        accuracy=quality,
        share_accepted=share_accepted,
        endpoint=images.endpoint,
        violations=violations,
    )


def _status(reasons: list[str], violations: list[Violation]) -> str:
    if violations:
        return VIOLATION
    return NOT_ENOUGH_DATA if reasons else HEALTHY


def _gaps(images: Images, baseline: Baseline | None, rules: Rules) -> list[str]:
    """Return why the images cannot be held against the baseline."""
    reasons = []
    if len(images.frame) < rules.minimum_images:
        reasons.append(
            f"{len(images.frame):,} images were captured, "
            f"at least {rules.minimum_images:,} are needed"
        )
    if baseline is None:
        reasons.append("there is no baseline; make one: python -m scripts.monitor baseline")
        return reasons
    if images.model and baseline.model and images.model != baseline.model:
        reasons.append(
            f"the baseline is of another model ({baseline.model}; the endpoint serves "
            f"{images.model}); make a new one: python -m scripts.monitor baseline"
        )
    elif len(images.frame):
        before, now = (table.probabilities(frame)[0] for frame in (baseline.frame, images.frame))
        if before and now and set(before) != set(now):
            reasons.append(
                f"the baseline's model knows {', '.join(before)}, the images' {', '.join(now)}; "
                "make a new one: python -m scripts.monitor baseline"
            )
    return reasons


def _unread(images: Images) -> list[str]:
    records = images.records + images.unreadable
    if images.unreadable <= MOST_UNREADABLE * records:
        return []
    return [f"{images.unreadable:,} of {records:,} records could not be read"]


def _drifted(item: Drift) -> Violation:
    return Violation(item.name, DRIFTED, describe(item))


def describe(item: Drift) -> str:
    """Return a drift in words: how far, against which band, of how many images."""
    moved = ""
    if item.baseline_value is not None and item.current_value is not None:
        moved = f", mean {item.baseline_value:.3g} before and {item.current_value:.3g} now"
    low, high = item.band
    return (
        f"{title(item.name)} moved by {item.effect:.3g} {item.unit}{moved}; chance alone moves it "
        f"by {low:.2g} to {high:.2g} (p {item.p_value:.2g}, {item.current:,} images against "
        f"{item.baseline:,})"
    )


def _incomplete(frame: pd.DataFrame, baseline: Baseline) -> list[Violation]:
    """Return what is known of fewer images than the constraints ask.

    What is known of none is a gap in the data, which `drift` names.
    """
    result = []
    for name, required in model_monitor.completeness(baseline.constraints).items():
        share = _present(frame, name)
        if 0 < share < required:
            result.append(
                Violation(
                    name,
                    INCOMPLETE,
                    f"{name} is known of {share:.1%} of the images, "
                    f"at least {required:.1%} is required",
                )
            )
    return result


def _present(frame: pd.DataFrame, name: str) -> float:
    if name == "embedding":
        vectors = table.embeddings(frame)
        return float(np.isfinite(vectors).all(1).mean()) if vectors.shape[1] else 0.0
    return float(frame[name].notna().mean())


def _review(accepted: np.ndarray, rules: Rules) -> list[Violation]:
    """Return the share in review, if it is above its bound by more than chance."""
    review, count = int((~accepted).sum()), len(accepted)
    if binomtest(review, count, rules.review_share, "greater").pvalue > rules.level:
        return []
    share = review / count
    return [
        Violation(
            "review_share",
            ABOVE,
            f"{share:.1%} of the images go to review (confidence below {rules.threshold:g}), more "
            f"than {rules.review_share:.1%}",
        )
    ]


def _inaccurate(quality: Accuracy, rules: Rules) -> list[Violation]:
    if quality.true is None or accuracy.shortfall_p_value(quality) > rules.level:
        return []
    missing = quality.expected_labelled - quality.true
    if missing < rules.minimum_effects["accuracy"]:
        return []
    return [
        Violation(
            "accuracy",
            BELOW,
            f"{quality.true:.1%} of {quality.labelled:,} labelled images are right "
            f"({quality.true_low:.1%} to {quality.true_high:.1%}), their confidences promise "
            f"{quality.expected_labelled:.1%}",
        )
    ]
