"""The judgement: captured photos against a baseline, and what does not hold."""

from collections import Counter
from collections.abc import Iterable, Iterator
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
# What a schedule acts on; 1 is any command's error.
EXIT_CODES = {HEALTHY: 0, VIOLATION: 2, NOT_ENOUGH_DATA: 3}
# With a larger share of unreadable records the photos at hand may not be typical; the same bound
# holds for unknown labels.
MOST_UNREADABLE = 0.05


@dataclass(frozen=True)
class Violation:
    """What does not hold: a property that drifted, or `accuracy` or `review_share`."""

    name: str
    description: str


@dataclass
class Report:
    """One span of captured photos against a baseline.

    images: how many photos. unreadable: records. likely_strangers: photos in review that are more
    likely of none of the classes than of any one, None if the model does not tell. reasons: why
    there is not enough data. notes: what a reader should know besides. provenance: how it was made,
    a line a fact.
    """

    span: Span
    endpoint: str
    images: int
    unreadable: int
    threshold: float
    share_accepted: float | None = None  # of no photos at all, as is accuracy
    likely_strangers: int | None = None
    accuracy: Accuracy | None = None
    drifts: list[Drift] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    provenance: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """A violation outweighs a gap in the data; healthy is only where nothing is missing."""
        return VIOLATION if self.violations else NOT_ENOUGH_DATA if self.reasons else HEALTHY

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
            context = f"confidence of {self.threshold:g} or more"
            figures.append(("Accepted", f"{self.share_accepted:.1%}", context))
            share = 1 - self.share_accepted
            context = "the model does not tell how many of these photos show none of the classes"
            if self.likely_strangers is not None:
                context = (
                    f"{self.likely_strangers:,} of these {round(share * self.images):,} photos "
                    "show none of the classes rather than any, as the model sees it"
                )
            figures.append(("Review", f"{share:.1%}", context))
        violated = sum(item.violated for item in self.drifts)
        if self.drifts:
            figures.append(("Drifted", f"{violated} of {len(self.drifts)}", "properties compared"))
        if (found := self.accuracy) is not None:
            doubt = "; the drift speaks against it" if violated else ""
            context = (
                f"{found.expected_low:.1%} to {found.expected_high:.1%} right, if the photos are "
                f"like those that the model learned from{doubt}"
            )
            figures.append(("Expected", f"{found.expected:.1%}", context))
            if found.true is not None:
                context = (
                    f"{found.true_low:.1%} to {found.true_high:.1%} right of {found.labelled:,} "
                    f"labelled, {found.expected_labelled:.1%} expected of them"
                )
                figures.append(("True", f"{found.true:.1%}", context))
        return figures


def assess(
    frame: pd.DataFrame,
    baseline: Baseline | None,
    rules: Rules,
    *,
    model: str = "",
    truth: GroundTruth | None = None,
    span: Span = ANY_TIME,
    endpoint: str = "",
    records: int = 0,
    unreadable: int = 0,
    notes: Iterable[str] = (),
) -> Report:
    """Judge the photos of a table; too few of them are not judged at all.

    model: the URI of the one that answered, or empty. records: how many could be read, and
    `unreadable` how many could not. notes: what else a reader of the report should know.
    """
    report = Report(span, endpoint, len(frame), unreadable, rules.threshold, notes=[*notes])
    enough = len(frame) >= rules.minimum_images
    if not enough:
        report.reasons.append(
            f"{len(frame):,} photos were captured, at least {rules.minimum_images:,} are needed"
        )
    mismatch = _compare_models(frame, model, baseline)
    if mismatch:
        report.reasons.append(mismatch)
    labels = _check_labels(frame, truth, report) if truth else {}
    if len(frame):
        accepted = accuracy.is_accepted(frame["confidence"], rules.threshold)
        report.share_accepted = float(accepted.mean())
        report.likely_strangers = _count_strangers(frame, accepted)
        report.accuracy = accuracy.measure(frame, labels)
    if enough and baseline and not mismatch:
        report.drifts, uncompared = drift.measure(
            baseline.frame, frame, baseline.minimum_effects, rules.level, rules.minimum_images
        )
        report.reasons += uncompared
        properties = drift.list_properties(baseline.frame)
        unjudged = [drift.title(p) for p in properties if p not in baseline.minimum_effects]
        if unjudged:
            report.notes.append(f"constraints.json does not name: {', '.join(unjudged)}")
    if enough:
        report.violations += _find_violations(report, accepted, rules)
    if unreadable > MOST_UNREADABLE * (records + unreadable):
        report.reasons.append(
            f"{unreadable:,} of {records + unreadable:,} records could not be read"
        )
    return report


def _compare_models(frame: pd.DataFrame, model: str, baseline: Baseline | None) -> str:
    """Return why the photos cannot be held against the baseline; nothing if they can."""
    if baseline is None:
        return f"there is no baseline; make one: {MAKE_BASELINE}"
    before, now = (table.probabilities(each)[0] for each in (baseline.frame, frame))
    if model and baseline.model and model != baseline.model:
        other = f"is of another model ({baseline.model}; the endpoint serves {model})"
    elif now and set(before) != set(now):
        other = f"is of the classes {', '.join(before)}, the photos of {', '.join(now)}"
    else:
        return ""
    return f"the baseline {other}; make a new one: {MAKE_BASELINE}"


def _check_labels(frame: pd.DataFrame, truth: GroundTruth, report: Report) -> dict[str, str]:
    """Return the labels that accuracy can be measured by; report what is wrong with the others."""
    ids = set(frame["image_id"])
    if not truth.labels:
        report.reasons.append("no line of the ground truth could be read")
    labels = {image_id: label for image_id, label in truth.labels.items() if image_id in ids}
    if truth.labels and ids and not labels:
        report.reasons.append(
            f"none of {len(truth.labels):,} labels is of one of the photos (the first is of "
            f"{next(iter(truth.labels))!r}, a photo's id is such as {frame['image_id'].iloc[0]!r})"
        )
    if relabelled := sorted(truth.relabelled & ids):
        report.notes.append(
            f"{len(relabelled):,} of the photos, such as {relabelled[0]!r}, have two labels or "
            "more, of which the last one holds"
        )
    classes, _ = table.probabilities(frame)
    known = {*classes, OTHER}
    strange = Counter(label for label in labels.values() if label not in known)
    if strange:
        names = FirstFew((label for label, _ in strange.most_common()), 5)
        text = f"{strange.total():,} labels are none of {', '.join(classes)}, {OTHER} ({names})"
        many = strange.total() > MOST_UNREADABLE * len(labels)
        (report.reasons if many else report.notes).append(text)
    return {image_id: label for image_id, label in labels.items() if label in known}


def _count_strangers(frame: pd.DataFrame, accepted: np.ndarray) -> int | None:
    """Return Report.likely_strangers of the photos, of which some are accepted, bool N."""
    none = table.no_class(frame)
    if none.max() <= table.SUM_TOLERANCE:
        return None
    return int(((none > frame["confidence"].to_numpy()) & ~accepted).sum())


def _find_violations(report: Report, accepted: np.ndarray, rules: Rules) -> Iterator[Violation]:
    """Yield what is off by more than chance: properties, the share in review, the accuracy."""
    for item in report.drifts:
        if item.violated:
            yield Violation(item.name, item.describe())
    review, count = int((~accepted).sum()), len(accepted)
    if binomtest(review, count, rules.review_share, "greater").pvalue <= rules.level:
        text = (
            f"{review / count:.1%} of the photos go to review (confidence below "
            f"{rules.threshold:g}), more than {rules.review_share:.1%}"
        )
        yield Violation("review_share", text)
    found = report.accuracy
    if found.true is None or accuracy.shortfall_p_value(found) > rules.level:
        return
    if found.expected_labelled - found.true >= rules.minimum_effects["accuracy"]:
        text = (
            f"{found.true:.1%} of {found.labelled:,} labelled photos are right "
            f"({found.true_low:.1%} to {found.true_high:.1%}), their confidences promise "
            f"{found.expected_labelled:.1%}"
        )
        yield Violation("accuracy", text)
