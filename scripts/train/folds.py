"""Cross-validation: every training photo is classified by a model that has not seen it.

The dataset's test photos take no part: changes that follow from the results are not fitted to them.
"""

import io
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from model.training import evaluation
from model.training.evaluation import Answers
from service import datasets, jobs, labelled_images, storage, terminal
from service.jobs import Job
from service.keys import DATASETS
from service.labelled_images import LabelledImages, concatenate

HEADER = ("Fold", "Photos", "Accuracy", "ECE", "Coverage", "Precision", "Strangers")
NOTHING = "-"


@dataclass(frozen=True)
class Fold:
    """A fold's photos, answered by a model that has not seen them.

    labels: int64 N; logits: float64 N x C, or N x (C + 1) where strangers are known; strangers:
    their logits, M x (C + 1), M may be 0.
    """

    labels: np.ndarray
    logits: np.ndarray
    strangers: np.ndarray


@dataclass(frozen=True)
class Judged:
    """The calibrated answers of one fold or of several, and which of them the filter accepts."""

    answers: Answers
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
    fold_jobs = [
        replace(
            job,
            # deploy_endpoint does not look for this name: these models lack a fold.
            name=f"{job.name}-fold-{number}-of-{count}",
            channels=channels,
            hyperparameters={**job.hyperparameters, **start},
        )
        for number, channels in enumerate(uris, 1)
    ]
    folds = [read_fold(s3, run(each)) for each in fold_jobs]
    hyperparameters = job.hyperparameters
    print_report(folds, hyperparameters["precision-target"], hyperparameters["strangers-share"])


def publish(s3, bucket: str, data: dict, count: int) -> list[dict[str, str]]:
    """Put the folds of a dataset's training photos into the bucket; return the channels of each.

    Training photos are those of its train and validation splits, and so are strangers. Raises
    UserError where a class, or these, are fewer than the folds.
    """
    parts = ("train", "validation")
    splits = {part: datasets.read_split(s3, bucket, data["name"], part) for part in parts}
    rows = concatenate([rows for rows, _ in splits.values()])
    strangers = np.concatenate([images for _, images in splits.values()])
    fewest = min(np.bincount(rows.labels, minlength=len(data["classes"])))
    if fewest < count:
        raise terminal.UserError(
            f"A class of {data['name']} has {fewest} training photos: too few for {count} folds."
        )
    if 0 < len(strangers) < count:
        raise terminal.UserError(
            f"{data['name']} has {len(strangers)} training strangers: too few for {count} folds."
        )
    prefix = f"{DATASETS}{data['name']}/folds/{count}/"
    uploads, channels = [], []
    for number, (others, fold) in enumerate(labelled_images.folds(rows, count), 1):
        keys = {part: f"{prefix}{number}/{part}/" for part in parts}
        held_out = np.arange(len(strangers)) % count == number - 1
        uploads += [
            _upload(keys["train"], others, data["classes"], strangers[~held_out]),
            _upload(keys["validation"], fold, data["classes"], strangers[held_out]),
        ]
        uris = {part: f"s3://{bucket}/{key}" for part, key in keys.items()}
        # The job requires a test channel; the dataset's test photos take no part.
        channels.append({**uris, "test": uris["validation"]})
    storage.mirror(s3, bucket, prefix, uploads)
    return channels


def read_fold(s3, job: dict) -> Fold:
    """Return the answers of a job's model to its fold."""
    body = jobs.read_member(s3, jobs.output_uri(job), "predictions.npz")
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        return Fold(arrays["labels"], arrays["logits"], arrays["strangers"])


def judge_fold(folds: Sequence[Fold], number: int, precision_target: float, share: float) -> Judged:
    """Return a fold's answers, with the calibration and the threshold of the other folds.

    Its own would be fitted to the photos that judge them. share: of strangers in the mix.
    """
    others = [fold for other, fold in enumerate(folds) if other != number]
    together = Fold(
        *(
            np.concatenate([getattr(fold, part) for fold in others])
            for part in ("labels", "logits", "strangers")
        )
    )
    calibration = evaluation.calibrate(together.logits, together.labels, together.strangers, share)
    threshold = evaluation.find_threshold(precision_target, _answer(together, calibration, share))
    answers = _answer(folds[number], calibration, share)
    return Judged(answers, evaluation.accepted(answers.confidence, threshold))


def put_together(parts: Sequence[Judged]) -> Judged:
    """Return the answers of all folds."""
    answers = Answers(
        *(
            np.concatenate([getattr(each.answers, name) for each in parts])
            for name in ("probabilities", "labels", "strangers")
        ),
        parts[0].answers.share,
    )
    # Photos come first, then strangers.
    split = [np.split(each.accepted, [len(each.answers.labels)]) for each in parts]
    return Judged(answers, np.concatenate([*(p for p, _ in split), *(s for _, s in split)]))


def print_report(folds: Sequence[Fold], precision_target: float, share: float) -> None:
    """Print a table with a row for each fold and one for all photos, and how to read it."""
    by_fold = [judge_fold(folds, number, precision_target, share) for number in range(len(folds))]
    together = put_together(by_fold)
    rows = [[str(number), *_cells(each)] for number, each in enumerate(by_fold, 1)]
    spread = statistics.stdev(_accuracy(each.answers) for each in by_fold)
    by_chance = evaluation.calibration_error_by_chance(together.answers)
    threshold = evaluation.find_threshold(precision_target, together.answers)
    print()
    foot = [["all", *_cells(together)]]
    terminal.show(terminal.table(HEADER, rows, right=range(len(HEADER)), foot=foot))
    print(
        "\nEach photo is answered by a model that has not seen it; "
        f"accuracy ± {spread:.4f} over the folds.\n"
        "Calibration and threshold of a fold are fitted on the other folds.\n"
        f"ECE: on as many photos a perfectly calibrated model shows {by_chance.mean:.4f}, and "
        f"less than {by_chance.percentile_95:.4f} in 95 of 100 draws."
    )
    mix = "of photos of the classes alone: strangers are not known"
    if len(together.answers.strangers):
        mix = f"in a mix of which {share * 100:g} % are strangers; the last column: those accepted"
    print(f"ECE and precision are {mix}.")
    target = f"{precision_target * 100:g} % precision"
    if threshold is None:
        print(f"No threshold reaches {target}.")
    else:
        print(f"Threshold {threshold:.4f} gives {target} over all photos (config.yml: threshold).")


def _answer(fold: Fold, calibration: evaluation.Calibration, share: float) -> Answers:
    return Answers(
        calibration.apply(fold.logits), fold.labels, calibration.apply(fold.strangers), share
    )


def _cells(judged: Judged) -> list[str]:
    answers = judged.answers
    judgement = evaluation.judge(judged.accepted, answers)
    precision, strangers = judgement["precision"], judgement["strangers"]
    return [
        f"{len(answers.labels):,}",
        f"{_accuracy(answers):.4f}",
        f"{evaluation.expected_calibration_error(answers):.4f}",
        f"{judgement['coverage']:.4f}",
        NOTHING if precision is None else f"{precision:.4f}",
        NOTHING if strangers is None else f"{strangers['accepted']:.4f}",
    ]


def _accuracy(answers: Answers) -> float:
    return float((answers.probabilities.argmax(1) == answers.labels).mean())


def _upload(
    prefix: str, rows: LabelledImages, classes: Sequence[str], strangers: np.ndarray
) -> storage.Upload:
    # Encoded when its turn comes: a dataset's folds together are many times its size.
    body = partial(labelled_images.encode_npz, rows, classes, strangers)
    return storage.Upload(f"{prefix}data.npz", body, "application/octet-stream")
