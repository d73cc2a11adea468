"""The judgement: captured photos against a baseline, and what does not hold."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from monitoring import accuracy, drift, table
from monitoring.baseline import MAKE_BASELINE, Baseline
from monitoring.files import ANY_TIME, Span
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
from service.terminal import FirstFew

# A larger share of unreadable records leaves open what the photos at hand stand for; so it is with
# labels.
MOST_UNREADABLE = 0.05


@dataclass(frozen=True)
class Photos:
    """What is judged: the table, its span, and what could not be read.

    records: how many could be read. truth: None without ground truth. notes: what else a reader of
    the report should know.
    """

    frame: pd.DataFrame
    span: Span = ANY_TIME
    records: int = 0
    unreadable: int = 0
    endpoint: str = ""
    model: str = ""
    truth: GroundTruth | None = None
    notes: list[str] = field(default_factory=list)


def assess(photos: Photos, baseline: Baseline | None, rules: Rules) -> Report:
    """Judge the photos.

    A violation outweighs a gap in the data, and a report is "healthy" only where nothing is
    missing. Too few photos are not judged at all.
    """
    frame = photos.frame
    enough = len(frame) >= rules.minimum_images
    reasons, notes, violations, drifts = [], [*photos.notes], [], []
    if not enough:
        reasons.append(
            f"{len(frame):,} photos were captured, at least {rules.minimum_images:,} are needed"
        )
    mismatch = _compare_models(photos, baseline)
    reasons += mismatch
    labels = _check_labels(photos, reasons, notes)
    accepted = accuracy.is_accepted(frame["confidence"], rules.threshold)
    measured = None
    if len(frame):
        measured = accuracy.measure(frame, labels, baseline and baseline.frame)
    if enough and baseline and not mismatch:
        drifts, uncompared = drift.measure(
            baseline.frame, frame, baseline.minimum_effects, rules.level, rules.minimum_images
        )
        reasons += uncompared
        violations += [Violation(item.name, describe(item)) for item in drifts if item.violated]
        notes += _note_unjudged(baseline)
    if enough:
        violations += _find_review(accepted, rules)
        violations += _find_shortfall(measured, rules)
    records = photos.records + photos.unreadable
    if photos.unreadable > MOST_UNREADABLE * records:
        reasons.append(f"{photos.unreadable:,} of {records:,} records could not be read")
    return Report(
        status=VIOLATION if violations else NOT_ENOUGH_DATA if reasons else HEALTHY,
        span=photos.span,
        endpoint=photos.endpoint,
        images=len(frame),
        unreadable=photos.unreadable,
        threshold=rules.threshold,
        share_accepted=float(accepted.mean()) if len(frame) else None,
        accuracy=measured,
        drifts=drifts,
        violations=violations,
        reasons=reasons,
        notes=notes,
    )


def _compare_models(photos: Photos, baseline: Baseline | None) -> list[str]:
    """Return why the photos cannot be held against the baseline, if so."""
    if baseline is None:
        return [f"there is no baseline; make one: {MAKE_BASELINE}"]
    if photos.model and baseline.model and photos.model != baseline.model:
        return [
            f"the baseline is of another model ({baseline.model}; the endpoint serves "
            f"{photos.model}); make a new one: {MAKE_BASELINE}"
        ]
    before, now = (table.probabilities(frame)[0] for frame in (baseline.frame, photos.frame))
    if now and set(before) != set(now):
        return [
            f"the baseline's model knows {', '.join(before)}, the photos' {', '.join(now)}; "
            f"make a new one: {MAKE_BASELINE}"
        ]
    return []


def _check_labels(photos: Photos, reasons: list[str], notes: list[str]) -> dict[str, str]:
    """Return the labels that accuracy can be measured by; add what is wrong with the others."""
    truth, ids = photos.truth, set(photos.frame["image_id"])
    if truth is None:
        return {}
    if not truth.labels:
        reasons.append("no line of the ground truth could be read")
    labels = {image_id: label for image_id, label in truth.labels.items() if image_id in ids}
    if truth.labels and ids and not labels:
        reasons.append(
            f"none of {len(truth.labels):,} labels is of one of the photos (the first is of "
            f"{next(iter(truth.labels))!r}, a photo's id is such as "
            f"{photos.frame['image_id'].iloc[0]!r})"
        )
    if relabelled := sorted(truth.relabelled & ids):
        notes.append(
            f"{len(relabelled):,} of the photos, such as {relabelled[0]!r}, have two labels or "
            "more, of which the last one holds"
        )
    classes, _ = table.probabilities(photos.frame)
    strange = Counter(label for label in labels.values() if label not in classes)
    if strange:
        names = FirstFew((label for label, _ in strange.most_common()), 5)
        text = f"{strange.total():,} labels are none of {', '.join(classes)} ({names})"
        many = strange.total() > MOST_UNREADABLE * len(labels)
        (reasons if many else notes).append(text)
    return {image_id: label for image_id, label in labels.items() if label in classes}


def _note_unjudged(baseline: Baseline) -> list[str]:
    """Return a note that names what the baseline has and its constraints do not name, if so."""
    properties = drift.list_properties(baseline.frame)
    names = [title(name) for name in properties if name not in baseline.minimum_effects]
    return [f"constraints.json does not name: {', '.join(names)}"] if names else []


def describe(item: Drift) -> str:
    """Return a drift in words: how far, against which band, of how many photos."""
    moved = ""
    if item.baseline_mean is not None:
        moved = f", mean {item.baseline_mean:.3g} before and {item.current_mean:.3g} now"
    low, high = item.band
    return (
        f"{item.title} moved by {item.effect:.3g} {item.unit}{moved}; chance alone moves it "
        f"by {low:.2g} to {high:.2g} (p {item.p_value:.2g}, {item.current:,} photos against "
        f"{item.baseline:,})"
    )


def _find_review(accepted: np.ndarray, rules: Rules) -> list[Violation]:
    """Return the share in review, if it is above its bound by more than chance."""
    review, count = int((~accepted).sum()), len(accepted)
    if binomtest(review, count, rules.review_share, "greater").pvalue > rules.level:
        return []
    text = (
        f"{review / count:.1%} of the photos go to review (confidence below {rules.threshold:g}), "
        f"more than {rules.review_share:.1%}"
    )
    return [Violation("review_share", text)]


def _find_shortfall(measured: Accuracy, rules: Rules) -> list[Violation]:
    """Return the true accuracy, if it is below the promise by more than chance and so matters."""
    if measured.true is None or accuracy.shortfall_p_value(measured) > rules.level:
        return []
    if measured.expected_labelled - measured.true < rules.minimum_effects["accuracy"]:
        return []
    text = (
        f"{measured.true:.1%} of {measured.labelled:,} labelled photos are right "
        f"({measured.true_low:.1%} to {measured.true_high:.1%}), their confidences promise "
        f"{measured.expected_labelled:.1%}"
    )
    return [Violation("accuracy", text)]
