"""What a model does with photos of none of its classes: `python -m benchmarks.strangers`.

Every bicycle and motorcycle is answered by models that have not seen it (five folds, SEEDS of
each). The threshold reaches 99 % precision among those that are accepted, in the mix of config.yml;
where a method learns no strangers, among the bicycles and motorcycles. Strangers of the table are
test photos of CIFAR-10, of the kinds that training learnt; photos of a folder (--folder) and drawn
ones (benchmarks/odd_photos.py), of kinds that it did not.

`methods` compares methods. `left-out` leaves classes of CIFAR-10 out of the training's strangers
and judges by them: each in turn, with the starter weights, which have seen all ten; then each of
HALVES, with a starter made without that half.
"""

import contextlib
import io
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType

import click
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the field's own name
from PIL import Image

from benchmarks import odd_photos
from handlers.errors import HandlerError
from handlers.photo import to_model_input
from model.training import evaluation, fit, network
from model.training.data import Dataset
from model.training.evaluation import Answers, Calibration
from model.training.job import RECIPES, choose_epochs
from model.training.network import STARTER, Network, Starter, load_starter
from scripts import starter
from scripts.etl import cifar
from scripts.etl.archive import CIFAR10_CLASSES
from service import config, datasets, labelled_images, options
from service.labelled_images import LabelledImages, concatenate

FOLDS = 5
SEEDS = 3  # a handful of photos decides the threshold: one seed's may be .02 off
DRAWN = 100  # of each kind
CLASSES = ("bicycle", "motorcycle")
HALVES = (CIFAR10_CLASSES[:5], CIFAR10_CLASSES[5:], CIFAR10_CLASSES[::2], CIFAR10_CLASSES[1::2])
SAME_COVERAGE = 0.8  # at which methods are compared, as each has its own at its threshold
KEPT = 0.98  # of the photos of the classes, by a second score beside the confidence
NEIGHBOURS = 10
BATCH_SIZE = 64


@dataclass(frozen=True)
class Method:
    """How strangers are told.

    learns: whether training gets strangers; changes: of attributes of model.training.fit; score:
    None, or a function of Features that gives a second score, high for photos of the classes;
    own_class: whether strangers have an output of their own.
    """

    title: str
    learns: bool = True
    own_class: bool = True
    changes: dict = field(default_factory=dict)
    score: Callable | None = None

    @property
    def outputs(self) -> int | None:
        """How many of the logits count: None for all."""
        return None if self.own_class else len(CLASSES)


@dataclass(frozen=True)
class Features:
    """Logits N x outputs and features N x D of photos, and the features of the training photos."""

    logits: np.ndarray
    features: np.ndarray
    training: np.ndarray
    labels: np.ndarray


def energy(photos: Features) -> np.ndarray:
    """Liu et al. 2020: the logarithm of the summed exponentials of the logits."""
    return np.log(np.exp(photos.logits).sum(1))


def mahalanobis(photos: Features) -> np.ndarray:
    """Lee et al. 2018: minus the least distance to a class's mean, by the common covariance."""
    means = [photos.training[photos.labels == label].mean(0) for label in np.unique(photos.labels)]
    apart = photos.training - np.stack(means)[photos.labels]
    precision = np.linalg.pinv(apart.T @ apart / len(apart) + 1e-6 * np.eye(apart.shape[1]))
    distances = [
        np.einsum("nd,de,ne->n", photos.features - mean, precision, photos.features - mean)
        for mean in means
    ]
    return -np.min(distances, 0)


def nearest_neighbours(photos: Features) -> np.ndarray:
    """Sun et al. 2022: minus the distance to the k-th nearest training photo, at unit length."""
    near, far = (
        each / np.linalg.norm(each, axis=1, keepdims=True)
        for each in (photos.training, photos.features)
    )
    return np.sort(far @ near.T, 1)[:, -NEIGHBOURS]


def expose(logits: torch.Tensor, targets: torch.Tensor, **options) -> torch.Tensor:
    """Outlier exposure (Hendrycks et al. 2019): strangers should have equal probabilities."""
    classes, strangers = logits[:, :-1], targets == logits.shape[1] - 1
    loss = F.cross_entropy(classes[~strangers], targets[~strangers], **options)
    return loss - 0.5 * F.log_softmax(classes[strangers], 1).mean()


PLAIN = {"vary_sharpness": lambda images, _generator: images}
NONE = {"learns": False, "own_class": False}
MODEL = Method("a class of its own (the model)")
METHODS = (
    Method("two classes alone", **NONE),
    Method("… and energy", **NONE, score=energy),
    Method("… and Mahalanobis", **NONE, score=mahalanobis),
    Method("… and nearest neighbours", **NONE, score=nearest_neighbours),
    Method("outlier exposure", own_class=False, changes={"cross_entropy": expose}),
    MODEL,
    Method("… without colour fields", changes={"FIELD_SHARE": 0}),
    Method("… without varying sharpness", changes=PLAIN),
    Method("… without hard strangers", changes={"MINING": ()}),
)


@dataclass
class Answered:
    """What the folds' models answered: logits and second scores of each part, fold by fold.

    Parts are `photos` of the classes, which each model has not seen, `validation` strangers, and
    the kinds of strangers that judge.
    """

    labels: list[np.ndarray] = field(default_factory=list)
    logits: dict[str, list[np.ndarray]] = field(default_factory=dict)
    scores: dict[str, list[np.ndarray]] = field(default_factory=dict)

    def all_logits(self, part: str) -> np.ndarray:
        """Return the logits of all folds."""
        return np.concatenate(self.logits[part])


class Study:
    """The photos of the classes, CIFAR-10 for strangers, and the kinds of strangers that judge."""

    def __init__(self, archives: dict, folder: Path | None):
        source = cifar.read(archives, CLASSES)
        ten = cifar.read_strangers(archives, CIFAR10_CLASSES)
        splits = datasets.split(replace(source, strangers=ten))
        self.ten = ten.test
        self.rows = concatenate([splits[part].rows for part in ("train", "validation")])
        self.strangers = {part: split.strangers for part, split in splits.items()}
        self.trained: dict[tuple, Network] = {}  # methods may differ in the score alone
        size = self.rows.images.shape[1]
        self.kinds = {"CIFAR-10": self.strangers["test"].images}
        if folder:
            self.kinds["folder"] = read_folder(folder, size)
        self.kinds |= {kind: odd_photos.make(kind, DRAWN, size) for kind in odd_photos.KINDS}

    def answer(
        self, method: Method, weights: Starter, left_out: Sequence[str] = (), seeds: int = SEEDS
    ) -> Answered:
        """Train a model for each fold and seed, and let it answer.

        left_out: classes of CIFAR-10 that are no strangers in training, but a kind that judges.
        """
        learnt, kinds = {}, dict(self.kinds)
        for part, rows in self.strangers.items():
            out = np.isin(rows.labels, [CIFAR10_CLASSES.index(name) for name in left_out])
            learnt[part] = rows.images[~out]
        if left_out:
            out = np.isin(self.ten.labels, [CIFAR10_CLASSES.index(name) for name in left_out])
            kinds = {"left out": self.ten.images[out], **kinds}
        answered = Answered()
        folds = list(labelled_images.folds(self.rows, FOLDS))
        for number, (others, fold) in enumerate(folds * seeds):
            began = time.monotonic()
            strangers = learnt["train"] if method.learns else learnt["train"][:0]
            key = (method.learns, *method.changes, weights.digest, *left_out, number)
            if key not in self.trained:
                with changed(fit, method.changes):
                    self.trained[key] = train(others, strangers, weights, number)
            model = self.trained[key]
            seconds = time.monotonic() - began
            answered.labels.append(fold.labels)
            validation = learnt["validation"][number % FOLDS :: FOLDS]
            parts = {"photos": fold.images, "validation": validation, **kinds}
            training = compute(model, others.images)[1] if method.score else None
            for part, images in parts.items():
                logits, features = compute(model, images)
                answered.logits.setdefault(part, []).append(logits)
                if method.score:
                    features = Features(logits, features, training, others.labels)
                    answered.scores.setdefault(part, []).append(method.score(features))
            sys.stderr.write(
                f"{method.title}{' without ' if left_out else ''}{', '.join(left_out)}: training "
                f"{number + 1} of {FOLDS * seeds}, {seconds:.0f} s\n"
            )
        return answered


def train(rows: LabelledImages, strangers: np.ndarray, weights: Starter, seed: int) -> Network:
    """Train as model/training/job.py does."""
    recipe = RECIPES["starter"]
    with contextlib.redirect_stdout(io.StringIO()):
        model, _ = fit.fit(
            Dataset(rows.images, rows.labels, list(CLASSES), strangers),
            None,
            epochs=choose_epochs(recipe, len(rows)),
            batch_size=BATCH_SIZE,
            learning_rate=recipe.learning_rate,
            label_smoothing=recipe.label_smoothing,
            seed=seed,
            device=torch.device("cpu"),
            starter=weights,
        )
    return model.eval()


@torch.no_grad()
def compute(model: Network, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return logits and features of images, as float64."""
    batches = torch.from_numpy(np.ascontiguousarray(images)).split(network.EVALUATION_BATCH)
    answers = [model.logits_and_features(batch) for batch in batches]
    logits, features = (torch.cat(part).double().numpy() for part in zip(*answers, strict=True))
    return logits, features


def calibrate(answered: Answered, method: Method) -> tuple[Calibration, float | None]:
    """Return the calibration and the threshold of all folds together."""
    share = config.load()["model"]["strangers_share"]
    labels = np.concatenate(answered.labels)
    logits, strangers = (
        answered.all_logits(part)[:, : method.outputs] for part in ("photos", "validation")
    )
    if not method.learns:
        strangers = strangers[:0]
    theirs = strangers if method.own_class else strangers[:0]
    calibration = evaluation.calibrate(logits, labels, theirs, share)
    answers = Answers(calibration.apply(logits), labels, calibration.apply(strangers), share)
    return calibration, evaluation.find_threshold(
        config.load()["model"]["precision_target"], answers
    )


def confidence(
    answered: Answered, method: Method, calibration: Calibration, part: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the predicted classes, and their confidence: 0 where a second score is too low."""
    found = [calibration.apply(logits[:, : method.outputs]) for logits in answered.logits[part]]
    sure = [each.max(1) for each in found]
    if method.score:
        floors = [np.quantile(scores, 1 - KEPT) for scores in answered.scores["photos"]]
        scores = zip(sure, answered.scores[part], floors, strict=True)
        sure = [each * (score >= floor) for each, score, floor in scores]
    return np.concatenate(found).argmax(1), np.concatenate(sure)


def judge(
    answered: Answered, method: Method, calibration: Calibration, threshold: float | None
) -> dict[str, float]:
    """Return accuracy, threshold, coverage, precision, and the share accepted of each kind."""
    predicted, sure = confidence(answered, method, calibration, "photos")
    accepted = evaluation.accepted(sure, threshold)
    right = predicted == np.concatenate(answered.labels)
    row = {
        "accuracy": right.mean(),
        "threshold": threshold,
        "coverage": accepted.mean(),
        "precision": right[accepted].mean(),
    }
    for kind in answered.logits:
        if kind not in ("photos", "validation"):
            _, strange = confidence(answered, method, calibration, kind)
            row[kind] = evaluation.accepted(strange, threshold).mean()
    return row


def judge_folder(answered: Answered, method: Method, calibration: Calibration) -> float:
    """Return the share of the folder that is accepted where SAME_COVERAGE of the photos are."""
    (_, sure), (_, strange) = (
        confidence(answered, method, calibration, part) for part in ("photos", "folder")
    )
    return (strange >= np.quantile(sure, 1 - SAME_COVERAGE)).mean()


@contextlib.contextmanager
def changed(module: ModuleType, changes: dict) -> Iterator[None]:
    """Replace attributes of the module for as long as the block runs."""
    before = {name: getattr(module, name) for name in changes}
    vars(module).update(changes)
    try:
        yield
    finally:
        vars(module).update(before)


def read_folder(folder: Path, size: int) -> np.ndarray:
    """Return the photos of a folder as the model sees them; those that cannot be read are named."""
    limits, images = config.load()["image"], []
    for path in sorted(folder.iterdir()):
        try:
            small = to_model_input(path.read_bytes(), size, limits["max_pixels"])
        except HandlerError as error:
            sys.stderr.write(f"{path}: {error}\n")
            continue
        images.append(np.asarray(Image.open(io.BytesIO(small))))
    return np.stack(images)


def markdown(rows: dict[str, dict[str, float]]) -> str:
    """Return the rows as a table; shares of strangers in percent."""
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    numbers = ("accuracy", "threshold", "coverage", "precision")
    lines = [["", *columns], ["---"] * (len(columns) + 1)]
    for title, row in rows.items():
        cells = [
            "" if name not in row else f"{row[name]:.3f}" if name in numbers else f"{row[name]:.1%}"
            for name in columns
        ]
        lines.append([title, *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


@click.command(help=__doc__)
@click.argument("what", type=click.Choice(("methods", "left-out")))
@click.option("--archive", type=options.File(), multiple=True, help="CIFAR's")
@click.option("--folder", type=options.Folder(), help="photos of anything but the classes")
def main(what: str, archive: Sequence[Path], folder: Path | None) -> None:
    """Train, judge, and print a table."""
    archives = cifar.find_archives(archive)
    study = Study(archives, folder)
    weights = load_starter(STARTER)
    rows = {}
    if what == "methods":
        for method in METHODS:
            answered = study.answer(method, weights)
            calibration, threshold = calibrate(answered, method)
            rows[method.title] = row = judge(answered, method, calibration, threshold)
            if folder:
                row[f"folder at {SAME_COVERAGE}"] = judge_folder(answered, method, calibration)
    else:
        answered = study.answer(MODEL, weights)
        fitted = calibrate(answered, MODEL)
        for name in CIFAR10_CLASSES:
            answered = study.answer(MODEL, weights, [name], seeds=1)
            rows[name] = judge(answered, MODEL, *fitted)
        for half in HALVES:
            kept = [name for name in CIFAR10_CLASSES if name not in half]
            learnt, _ = labelled_images.hold_out(cifar.read_cifar10(archives, kept).train)
            with contextlib.redirect_stdout(sys.stderr):
                content, _ = starter.make(learnt, kept, starter.EPOCHS)
            own = Starter(network.read_weights(content), f"without {half}")
            answered = study.answer(MODEL, own, half, seeds=1)
            rows[", ".join(half)] = judge(answered, MODEL, *calibrate(answered, MODEL))
    sys.stdout.write(f"{markdown(rows)}\n")


if __name__ == "__main__":
    main()
