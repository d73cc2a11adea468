"""Cross-validation: every training photo is classified by a model that has not seen it.

The dataset's test photos take no part: changes that follow from the results are not fitted to them.
"""

import io
import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from model.training import evaluation
from service import datasets, jobs, labelled_images, storage, terminal
from service.jobs import Job
from service.keys import DATASETS
from service.labelled_images import LabelledImages, concatenate

HEADER = ("Fold", "Photos", "Accuracy", "ECE", "Coverage", "Precision")
NOTHING = "-"


@dataclass(frozen=True)
class Fold:
    """A fold's photos, answered by a model that has not seen them.

    labels: int64 N; logits: float64 N x C, before any temperature.
    """

    labels: np.ndarray
    logits: np.ndarray


@dataclass(frozen=True)
class Answers:
    """Labels int64 N, calibrated probabilities N x C, and bool N: the filter accepts the photo."""

    labels: np.ndarray
    probabilities: np.ndarray
    accepted: np.ndarray


def study(s3, bucket: str, job: Job, data: dict, count: int, run: Callable[[Job], dict]) -> None:
    """Run a job for each fold and print a table of the folds, and of all photos together.

    One at a time: an account may have a quota of one instance of a type, and a laptop has no
    cores for more.
    """
    uris = publish(s3, bucket, data, count)
    start = {}
    if "cifar10" in data["source"].split("+"):
        start = {"start": "scratch"}
        terminal.print_line(
            "Start", "from scratch: the starter weights have seen CIFAR-10's training photos"
        )
    jobs = [
        replace(
            job,
            # deploy_endpoint does not look for this name: these models lack a fold.
            name=f"{job.name}-fold-{number}-of-{count}",
            channels=channels,
            hyperparameters={**job.hyperparameters, **start},
        )
        for number, channels in enumerate(uris, 1)
    ]
    folds = [read_fold(s3, run(each)) for each in jobs]
    print_report(folds, job.hyperparameters["precision-target"])


def publish(s3, bucket: str, data: dict, count: int) -> list[dict[str, str]]:
    """Put the folds of a dataset's training photos into the bucket; return the channels of each.

    Training photos are those of its train and validation splits. Raises UserError where a class
    has fewer photos than there are folds.
    """
    parts = [datasets.read_rows(s3, bucket, data["name"], part) for part in ("train", "validation")]
    rows = concatenate(parts)
    fewest = min(np.bincount(rows.labels, minlength=len(data["classes"])))
    if fewest < count:
        raise terminal.UserError(
            f"A class of {data['name']} has {fewest} training photos: too few for {count} folds."
        )
    prefix = f"{DATASETS}{data['name']}/folds/{count}/"
    uploads, channels = [], []
    for number, (others, fold) in enumerate(labelled_images.folds(rows, count), 1):
        keys = {part: f"{prefix}{number}/{part}/" for part in ("train", "validation")}
        uploads += [
            _upload(keys["train"], others, data["classes"]),
            _upload(keys["validation"], fold, data["classes"]),
        ]
        uris = {part: f"s3://{bucket}/{key}" for part, key in keys.items()}
        # The job requires a test channel; the dataset's test photos take no part.
        channels.append({**uris, "test": uris["validation"]})
    storage.mirror(s3, bucket, prefix, uploads)
    return channels


def read_fold(s3, job: dict) -> Fold:
    """Return the answers of a job's model to its fold."""
    metrics = json.loads(
        jobs.read_member(s3, job["ModelArtifacts"]["S3ModelArtifacts"], "metrics.json")
    )
    body = jobs.read_member(s3, jobs.output_uri(job), "predictions.npz")
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        # The job's probabilities have its temperature in them, fitted on these very photos.
        likelihood = np.log(np.maximum(arrays["probabilities"], np.finfo(np.float64).tiny))
        return Fold(arrays["labels"], likelihood * metrics["temperature"])


def answers(folds: Sequence[Fold], number: int, precision_target: float) -> Answers:
    """Return a fold's answers, with the temperature and the threshold of the other folds.

    Its own would be fitted to the photos that judge them.
    """
    others = [fold for other, fold in enumerate(folds) if other != number]
    labels = np.concatenate([fold.labels for fold in others])
    logits = np.concatenate([fold.logits for fold in others])
    temperature = evaluation.fit_temperature(logits, labels)
    threshold = evaluation.threshold_for(
        precision_target, evaluation.softmax(logits / temperature), labels
    )
    fold = folds[number]
    probabilities = evaluation.softmax(fold.logits / temperature)
    accepted = evaluation.accepted(probabilities.max(1), threshold)
    return Answers(fold.labels, probabilities, accepted)


def print_report(folds: Sequence[Fold], precision_target: float) -> None:
    """Print a table with a row for each fold and one for all photos, and how to read it."""
    by_fold = [answers(folds, number, precision_target) for number in range(len(folds))]
    together = Answers(
        *(
            np.concatenate([getattr(each, name) for each in by_fold])
            for name in ("labels", "probabilities", "accepted")
        )
    )
    rows = [[str(number), *_cells(each)] for number, each in enumerate(by_fold, 1)]
    spread = statistics.stdev(_accuracy(each) for each in by_fold)
    by_chance = evaluation.calibration_error_by_chance(together.probabilities.max(1))
    threshold = evaluation.threshold_for(precision_target, together.probabilities, together.labels)
    print()
    foot = [["all", *_cells(together)]]
    terminal.show(terminal.table(HEADER, rows, right=range(len(HEADER)), foot=foot))
    print(
        "\nEach photo is answered by a model that has not seen it; "
        f"accuracy ± {spread:.4f} over the folds.\n"
        "Temperature and threshold of a fold are fitted on the other folds.\n"
        f"ECE: on as many photos a perfectly calibrated model shows {by_chance.mean:.4f}, and "
        f"less than {by_chance.percentile_95:.4f} in 95 of 100 draws."
    )
    target = f"{precision_target * 100:g} % precision"
    if threshold is None:
        print(f"No threshold reaches {target}.")
    else:
        print(f"Threshold {threshold:.4f} gives {target} over all photos (config.yml: threshold).")


def _cells(answers: Answers) -> list[str]:
    right = answers.probabilities.argmax(1) == answers.labels
    error = evaluation.expected_calibration_error(answers.probabilities, answers.labels)
    accepted = answers.accepted
    return [
        f"{len(right):,}",
        f"{right.mean():.4f}",
        f"{error:.4f}",
        f"{accepted.mean():.4f}",
        f"{right[accepted].mean():.4f}" if accepted.any() else NOTHING,
    ]


def _accuracy(answers: Answers) -> float:
    return float((answers.probabilities.argmax(1) == answers.labels).mean())


def _upload(prefix: str, rows: LabelledImages, classes: Sequence[str]) -> storage.Upload:
    # Encoded when its turn comes: a dataset's folds together are many times its size.
    body = partial(labelled_images.encode_npz, rows, classes)
    return storage.Upload(f"{prefix}data.npz", body, "application/octet-stream")
