"""The judgement: captured photos against a baseline, and what does not hold."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from monitoring import accuracy, drift, table
from monitoring.accuracy import Accuracy, GroundTruth
from monitoring.baseline import MAKE_BASELINE, Baseline, Rules
from monitoring.drift import Drift
from monitoring.files import ANY_TIME, Span
from service.labelled_images import OTHER
from service.terminal import FirstFew

HEALTHY = "healthy"
VIOLATION = "violation"
NOT_ENOUGH_DATA = "not enough data"
# A schedule acts on it. 1 is any command's error.
EXIT_CODES = {HEALTHY: 0, VIOLATION: 2, NOT_ENOUGH_DATA: 3}
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


@dataclass(frozen=True)
class Violation:
    """What does not hold: a property that drifted, or `accuracy` or `review_share`."""

    name: str
    description: str


@dataclass(frozen=True)
class Report:
    """One span of captured photos against a baseline.

    images: how many photos. unreadable: records. reasons: why there is not enough data. notes: what
    a reader should know besides.
    """

    status: str  # HEALTHY, VIOLATION or NOT_ENOUGH_DATA
    span: Span
    endpoint: str
    images: int
    unreadable: int
    threshold: float
    share_accepted: float | None
    likely_strangers: int  # photos in review that the model gives to none of the classes rather
    accuracy: Accuracy | None
    drifts: list[Drift]
    violations: list[Violation]
    reasons: list[str]
    notes: list[str]

    def details(self) -> list[str]:
        """Return what a reader should know, a sentence each, violations first."""
        good = "nothing that is watched moved by more than chance explains and by enough to matter"
        found = [good] if self.status == HEALTHY else [item.description for item in self.violations]
        return [*found, *self.reasons, *self.notes]

    def figures(self) -> list[tuple[str, str, str]]:
        """Return the figures to see first: name, value and what to hold it against."""
        figures = [("Photos", f"{self.images:,}", "")]
        if self.unreadable:
            figures.append(("Unreadable", f"{self.unreadable:,}", "records"))
        if self.share_accepted is not None:
            against = f"confidence of {self.threshold:g} or more"
            figures.append(("Accepted", f"{self.share_accepted:.1%}", against))
        if self.share_accepted is not None and self.likely_strangers:
            review = round((1 - self.share_accepted) * self.images)
            against = (
                f"{self.likely_strangers:,} of these {review:,} photos show none of the classes "
                "rather than any, as the model sees it"
            )
            figures.append(("Review", f"{1 - self.share_accepted:.1%}", against))
        violated = sum(item.violated for item in self.drifts)
        if self.drifts:
            against = "properties compared"
            figures.append(("Drifted", f"{violated} of {len(self.drifts)}", against))
        if (found := self.accuracy) is not None:
            doubt = "; the drift speaks against it" if violated else ""
            against = (
                f"{found.expected_low:.1%} to {found.expected_high:.1%} right, if the photos are "
                f"like those that the model learned from{doubt}"
            )
            figures.append(("Expected", f"{found.expected:.1%}", against))
            if found.true is not None:
                against = (
                    f"{found.true_low:.1%} to {found.true_high:.1%} right of {found.labelled:,} "
                    f"labelled, {found.expected_labelled:.1%} expected of them"
                )
                figures.append(("True", f"{found.true:.1%}", against))
        return figures


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
    measured = accuracy.measure(frame, labels) if len(frame) else None
    if enough and baseline and not mismatch:
        drifts, uncompared = drift.measure(
            baseline.frame, frame, baseline.minimum_effects, rules.level, rules.minimum_images
        )
        reasons += uncompared
        violations += [Violation(item.name, item.describe()) for item in drifts if item.violated]
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
        likely_strangers=_count_strangers(frame, accepted),
        accuracy=measured,
        drifts=drifts,
        violations=violations,
        reasons=reasons,
        notes=notes,
    )


def _count_strangers(frame: pd.DataFrame, accepted: np.ndarray) -> int:
    """Return how many photos in review are more likely of none of the classes than of any one.

    What a photo's probabilities lack to 1 is the chance that it is of none; a model that knows no
    strangers leaves nothing.
    """
    _, probabilities = table.probabilities(frame)
    strange = 1 - np.nansum(probabilities, axis=1) > frame["confidence"].to_numpy()
    return int((strange & ~accepted).sum())


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
    known = {*classes, OTHER}
    strange = Counter(label for label in labels.values() if label not in known)
    if strange:
        names = FirstFew((label for label, _ in strange.most_common()), 5)
        text = f"{strange.total():,} labels are none of {', '.join(classes)}, {OTHER} ({names})"
        many = strange.total() > MOST_UNREADABLE * len(labels)
        (reasons if many else notes).append(text)
    return {image_id: label for image_id, label in labels.items() if label in known}


def _note_unjudged(baseline: Baseline) -> list[str]:
    """Return a note that names what the baseline has and its constraints do not name, if so."""
    properties = drift.list_properties(baseline.frame)
    names = [drift.title(name) for name in properties if name not in baseline.minimum_effects]
    return [f"constraints.json does not name: {', '.join(names)}"] if names else []


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
