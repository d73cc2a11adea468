"""The judgement: captured images against a baseline, and what does not hold."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from monitoring import accuracy, drift, table
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
from monitoring.ground_truth import GroundTruth
from monitoring.rules import Rules

# A larger share of unreadable records leaves open what the images at hand stand for; so it is with
# labels.
MOST_UNREADABLE = 0.05
NAMED = 5  # of the labels that are no classes

# Model Monitor's words for what does not hold.
DRIFTED = "baseline_drift_check"
INCOMPLETE = "completeness_check"
ABOVE = "GreaterThanThreshold"
BELOW = "LessThanThreshold"

MAKE_ONE = "make a new one: python -m scripts.monitor baseline"


@dataclass(frozen=True)
class Images:
    """What is judged: the table, its span, and what could not be read.

    truth: None where none was asked for. notes: what else a reader of the report should know.
    """

    frame: pd.DataFrame
    since: datetime | None = None
    until: datetime | None = None
    records: int = 0  # that could be read
    unreadable: int = 0
    endpoint: str = ""
    model: str = ""
    truth: GroundTruth | None = None
    notes: list[str] = field(default_factory=list)


def assess(images: Images, baseline: Baseline | None, rules: Rules) -> Report:
    """Judge the images.

    A violation outweighs a gap in the data, and "healthy" is only said where nothing is missing;
    of too few images nothing is said at all.
    """
    frame = images.frame
    gaps = _gaps(images, baseline, rules)
    reasons, notes, violations, drifts = [*gaps], [*images.notes], [], []
    labels = _check_labels(images, reasons, notes)
    accepted = accuracy.is_accepted(frame["confidence"], rules.threshold)
    quality = share_accepted = None
    if len(frame):
        quality = accuracy.measure(frame, labels, baseline and baseline.frame)
        share_accepted = float(accepted.mean())
    if len(frame) >= rules.minimum_images:
        if baseline and not gaps:
            constraints = baseline.constraints
            drifts, uncompared = drift.measure(
                baseline.frame,
                frame,
                constraints.minimum_effects,
                rules.level,
                rules.minimum_images,
            )
            reasons += uncompared
            violations += [
                Violation(item.name, DRIFTED, describe(item)) for item in drifts if item.violated
            ]
            violations += _find_gaps(frame, constraints.completeness)
            unnamed = [
                title(name)
                for name in drift.PROPERTIES
                if name not in constraints.minimum_effects
                and table.is_known(baseline.frame, name).any()
            ]
            if unnamed:
                notes.append(f"constraints.json does not ask for: {', '.join(unnamed)}")
        violations += _find_review(accepted, rules)
        violations += _find_shortfall(quality, rules)
    records = images.records + images.unreadable
    if images.unreadable > MOST_UNREADABLE * records:
        reasons.append(f"{images.unreadable:,} of {records:,} records could not be read")
    status = VIOLATION if violations else NOT_ENOUGH_DATA if reasons else HEALTHY
    return Report(
        status=status,
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
        notes=notes,
    )


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
            f"{images.model}); {MAKE_ONE}"
        )
    elif len(images.frame):
        before, now = (table.probabilities(frame)[0] for frame in (baseline.frame, images.frame))
        if before and now and set(before) != set(now):
            reasons.append(
                f"the baseline's model knows {', '.join(before)}, the images' {', '.join(now)}; "
                f"{MAKE_ONE}"
            )
    return reasons


def _check_labels(images: Images, reasons: list[str], notes: list[str]) -> dict[str, str]:
    """Return the labels that accuracy can be measured by; add what is wrong with the others."""
    truth, ids = images.truth, set(images.frame["image_id"])
    if truth is None:
        return {}
    if not truth.labels:
        reasons.append("no line of the ground truth could be read")
    of_images = {name: label for name, label in truth.labels.items() if name in ids}
    if truth.labels and ids and not of_images:
        named = next(iter(truth.labels))
        reasons.append(
            f"none of {len(truth.labels):,} labels is of one of the images (the first is of "
            f"{named!r}, an image's id is such as {images.frame['image_id'].iloc[0]!r})"
        )
    if relabelled := [name for name in truth.relabelled if name in ids]:
        notes.append(
            f"two labels or more, of which the last one holds, have {len(relabelled):,} of the "
            f"images, such as {relabelled[0]!r}"
        )
    classes, _ = table.probabilities(images.frame)
    strange = Counter(label for label in of_images.values() if label not in classes)
    if strange:
        named = ", ".join(label for label, _ in strange.most_common(NAMED))
        more = ", …" if len(strange) > NAMED else ""
        text = f"{strange.total():,} labels are none of {', '.join(classes)} ({named}{more})"
        many = strange.total() > MOST_UNREADABLE * len(of_images)
        (reasons if many else notes).append(text)
    return {name: label for name, label in of_images.items() if label in classes}


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


def _find_gaps(frame: pd.DataFrame, completeness: dict[str, float]) -> list[Violation]:
    """Return what is known of fewer images than the constraints ask.

    What is known of none is a gap in the data, which `drift` names.
    """
    shares = {name: table.is_known(frame, name).mean() for name in completeness}
    text = "{} is known of {:.1%} of the images, at least {:.1%} is required"
    return [
        Violation(name, INCOMPLETE, text.format(name, shares[name], required))
        for name, required in completeness.items()
        if 0 < shares[name] < required
    ]


def _find_review(accepted: np.ndarray, rules: Rules) -> list[Violation]:
    """Return the share in review, if it is above its bound by more than chance."""
    review, count = int((~accepted).sum()), len(accepted)
    if binomtest(review, count, rules.review_share, "greater").pvalue > rules.level:
        return []
    text = (
        f"{review / count:.1%} of the images go to review (confidence below {rules.threshold:g}), "
        f"more than {rules.review_share:.1%}"
    )
    return [Violation("review_share", ABOVE, text)]


def _find_shortfall(quality: Accuracy, rules: Rules) -> list[Violation]:
    """Return the true accuracy, if it is below the promise by more than chance and so matters."""
    if quality.true is None or accuracy.shortfall_p_value(quality) > rules.level:
        return []
    if quality.expected_labelled - quality.true < rules.minimum_effects["accuracy"]:
        return []
    text = (
        f"{quality.true:.1%} of {quality.labelled:,} labelled images are right "
        f"({quality.true_low:.1%} to {quality.true_high:.1%}), their confidences promise "
        f"{quality.expected_labelled:.1%}"
    )
    return [Violation("accuracy", BELOW, text)]


def list_violations(report: Report) -> dict:
    """Return constraint_violations.json, in Model Monitor's form.

    docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-violations.html
    """
    return {"violations": [vars(violation) for violation in report.violations]}
