"""Accuracy: what the confidences promise, and what ground truth says of it.

Ground truth is in Model Monitor's form (docs/monitoring.md), with the photo's id in the table as
eventId: its inference id, or its event id where it was sent without one
(docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-merge.html).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.stats import binom, binomtest

from monitoring import table
from monitoring.files import Unreadable, list_files, read_records
from service.terminal import UserError

COVERED = 0.95  # of every interval


@dataclass(frozen=True)
class Accuracy:
    """Accuracy as the confidences promise it, and as ground truth shows it, where there is any.

    `expected_labelled` is the promise for the labelled photos alone, which `true` is held against.
    """

    expected: float
    expected_low: float
    expected_high: float
    labelled: int = 0
    expected_labelled: float | None = None
    true: float | None = None
    true_low: float | None = None
    true_high: float | None = None


@dataclass(frozen=True)
class GroundTruth:
    """The true class by image id, and the lines that hold none.

    relabelled: the ids of which two lines give different classes; the last one holds.
    """

    labels: dict[str, str] = field(default_factory=dict)
    unreadable: list[Unreadable] = field(default_factory=list)
    relabelled: set[str] = field(default_factory=set)


def is_accepted(confidence: np.ndarray, threshold: float) -> np.ndarray:
    """Return which of N confidences the filter accepts, as bool N."""
    # Compared as float32, as the filter does (handlers/outcomes.judge).
    return np.asarray(confidence, np.float32) >= np.float32(threshold)


def summarize_classes(
    frame: pd.DataFrame, threshold: float, baseline: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return a row for each class of the model, by the label that the model gave.

    `share_before` is of the baseline's photos, NaN without one; `accepted` and `median_confidence`
    are of the class's photos, NaN without any.
    """
    classes, _ = table.probabilities(frame)
    photos = frame["label"].value_counts().reindex(classes, fill_value=0)
    before = np.nan
    if baseline is not None:
        before = baseline["label"].value_counts(normalize=True).reindex(classes, fill_value=0.0)
    accepted = is_accepted(frame["confidence"], threshold)
    by_label = frame.assign(accepted=accepted).groupby("label")
    columns = {
        "photos": photos,
        "share": photos / max(len(frame), 1),
        "share_before": before,
        "accepted": by_label["accepted"].mean(),
        "median_confidence": by_label["confidence"].median(),
    }
    return pd.DataFrame(columns, index=photos.index)


def measure(frame: pd.DataFrame, labels: Mapping[str, str]) -> Accuracy:
    """Return the accuracy expected of the photos, at least one, and the true one of those labelled.

    labels: the true class by image id. Calibrated confidences are chances to be right, so their
    mean is the expected accuracy, for photos like those that they were calibrated on.
    """
    confidence = frame["confidence"].astype(float)
    expected = float(confidence.mean())
    interval = expected_interval(expected, len(frame))
    truth = frame["image_id"].map(labels)
    labelled = truth.notna()
    if not labelled.any():
        return Accuracy(expected, *interval)
    right = (truth == frame["label"])[labelled]
    promised, true = float(confidence[labelled].mean()), float(right.mean())
    true_interval = wilson(right.sum(), len(right))
    return Accuracy(expected, *interval, len(right), promised, true, *true_interval)


def expected_interval(expected: float, photos: int) -> tuple[float, float]:
    """Return where the accuracy of so many photos lies if the confidences are right.

    Binomial: drawing photos anew and then whether each is right has exactly that distribution.
    Of the very photos at hand the number right is Poisson-binomial, which spreads no wider
    (Hoeffding, Ann. Math. Stat. 27, 1956).
    """
    low, high = binom(photos, expected).interval(COVERED)
    return float(low / photos), float(high / photos)


def shortfall_p_value(accuracy: Accuracy) -> float:
    """Return how likely as few right answers are, or fewer, if the confidences are right.

    There are labels. By the binomial distribution, which errs on the safe side (see above).
    """
    right = round(accuracy.true * accuracy.labelled)
    return float(binom(accuracy.labelled, accuracy.expected_labelled).cdf(right))


def wilson(right: int, photos: int) -> tuple[float, float]:
    """Return Wilson's score interval of a share."""
    interval = binomtest(int(right), int(photos)).proportion_ci(COVERED, method="wilson")
    return float(interval.low), float(interval.high)


def read_ground_truth(source: str) -> GroundTruth:
    """Read a file or an object, or all of those in a folder or below an S3 prefix.

    Raises UserError where nothing is there.
    """
    files = list_files(source)
    if not files:
        raise UserError(f"There is no ground truth at {source}.")
    truth = GroundTruth()
    for file in files:
        for _, (image_id, label) in read_records(file, parse_label, truth.unreadable):
            if truth.labels.get(image_id, label) != label:
                truth.relabelled.add(image_id)
            truth.labels[image_id] = label
    return truth


def parse_label(record: dict) -> tuple[str, str]:
    """Return the image id and the label of a line. ValueError says what is wrong with it."""
    image_id, truth = record["eventMetadata"]["eventId"], record["groundTruthData"]
    label, encoding = truth["data"], truth["encoding"]
    if not isinstance(image_id, str) or not image_id:
        raise ValueError("eventMetadata.eventId is no id")
    label = label.strip() if isinstance(label, str) else ""
    if encoding != "CSV" or not label or "," in label or "\n" in label:
        raise ValueError("groundTruthData is not one label, encoded as CSV")
    return image_id, label
