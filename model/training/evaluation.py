"""A model's accuracy, calibration and thresholds, with NumPy alone."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

INVERSE_TEMPERATURES = (0.05, 20.0)  # at least and at most
NEWTON_STEPS = 50
CALIBRATION_BINS = 15
CALIBRATION_DRAWS = 1000  # of labels, for the calibration error by chance
LOWEST_THRESHOLD = 0.5  # below it an answer is more probably wrong than right
THRESHOLDS = (LOWEST_THRESHOLD, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.99)
Z_95 = 1.959964  # the standard normal's 97.5 % point


def softmax(logits: np.ndarray) -> np.ndarray:
    """Logits ... x C -> probabilities ... x C."""
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


class Calibration(NamedTuple):
    """What makes logits probabilities.

    temperature: divides the logits (Guo et al. 2017, section 4.2); stranger_bias: is then added to
    the last one, a stranger's, as the share of strangers in training is not that of the mix. None
    for a model that knows no strangers.
    """

    temperature: float
    stranger_bias: float | None

    def apply(self, logits: np.ndarray) -> np.ndarray:
        """Logits N x C, or N x (C + 1) where strangers are known -> probabilities N x C.

        1 minus their sum is the probability that the photo is a stranger.
        """
        logits = logits / self.temperature
        if self.stranger_bias is None:
            return softmax(logits)
        logits[:, -1] += self.stranger_bias
        return softmax(logits)[:, :-1]


def calibrate(
    logits: np.ndarray, labels: np.ndarray, strangers: np.ndarray, share: float
) -> Calibration:
    """The calibration with the least negative log-likelihood in a mix with strangers.

    logits: N x C, or N x (C + 1) where M strangers are known; labels: N; strangers: their logits,
    M x (C + 1), M may be 0; share: of the strangers in the mix. A true class counts as
    1 - 1 / (N + 2) and the others share the rest (Platt 1999, section 2.2): else N right rows would
    lead to certainty. The likelihood is concave in 1 / temperature and the bias, so Newton's steps,
    halved where they are too long, find its maximum.
    """
    rows = np.concatenate([logits, strangers]) if len(strangers) else logits
    truth = np.concatenate([labels, np.full(len(strangers), rows.shape[1] - 1)])
    counts = [len(labels), len(strangers)]
    weights = mix_weights(*counts, share)
    doubt = np.repeat([1 / (count + 2) for count in counts], counts)[:, None]
    targets = np.broadcast_to(doubt / (rows.shape[1] - 1), rows.shape).copy()
    np.put_along_axis(targets, truth[:, None], 1 - doubt, 1)
    # Each logit is factor * its features: the raw logit and, with strangers, whether it is theirs.
    features = rows[:, :, None]
    if len(strangers):
        theirs = np.broadcast_to(np.arange(rows.shape[1]) == rows.shape[1] - 1, rows.shape)
        features = np.concatenate([features, theirs[:, :, None]], 2)

    def likelihood(factors: np.ndarray) -> float:
        logits = features @ factors
        highest = logits.max(1)
        sums = highest + np.log(np.exp(logits - highest[:, None]).sum(1))
        return float(weights @ ((targets * logits).sum(1) - sums))

    factors = np.eye(features.shape[2])[0]
    for _ in range(NEWTON_STEPS):
        chances = softmax(features @ factors)[:, :, None]
        means = (chances * features).sum(1)
        slope = weights @ ((targets[:, :, None] * features).sum(1) - means)
        apart = features - means[:, None]
        curvature = np.einsum("n,ncf,ncg->fg", weights, chances * apart, apart)
        curvature += 1e-12 * np.eye(len(factors))
        step = np.linalg.solve(curvature, slope)
        scale = np.clip(factors[0] + step[0], *INVERSE_TEMPERATURES) - factors[0]
        if scale != step[0]:  # at a bound the bias makes the best of it
            rest = np.linalg.solve(curvature[1:, 1:], slope[1:] - curvature[1:, 0] * scale)
            step = np.array([scale, *rest])
        while likelihood(factors + step) < likelihood(factors) and np.abs(step).max() > 1e-9:
            step = step / 2
        factors = factors + step
        if np.abs(step).max() < 1e-9:
            break
    return Calibration(float(1 / factors[0]), float(factors[1]) if len(strangers) else None)


def mix_weights(photos: int, strangers: int, share: float) -> np.ndarray:
    """The weights of so many photos, then strangers, in a mix; they sum to 1."""
    if not strangers:
        return np.full(photos, 1 / photos)
    return np.repeat([(1 - share) / photos, share / strangers], [photos, strangers])


@dataclass(frozen=True)
class Answers:
    """A model's answers to a mix of photos of its classes and of strangers.

    probabilities: N x C, of photos with labels N; strangers: M x C, where M may be 0; share: of the
    strangers in the mix, however many there are. A stranger's likeliest class is never right.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    strangers: np.ndarray
    share: float

    @property
    def confidence(self) -> np.ndarray:
        """N + M confidences: the probabilities of the likeliest classes."""
        return np.concatenate([self.probabilities, self.strangers]).max(1)

    @property
    def right(self) -> np.ndarray:
        """Which of N + M answers are right."""
        right = self.probabilities.argmax(1) == self.labels
        return np.concatenate([right, np.zeros(len(self.strangers), bool)])

    @property
    def weights(self) -> np.ndarray:
        """N + M weights, which sum to 1."""
        return mix_weights(len(self.labels), len(self.strangers), self.share)


def calibration_bins(confidence: np.ndarray) -> np.ndarray:
    """Each confidence's bin, 1 to CALIBRATION_BINS, of equal width, upper edge included."""
    return np.maximum(np.ceil(confidence * CALIBRATION_BINS).astype(int), 1)


def expected_calibration_error(answers: Answers) -> float:
    """The distance of confidences from accuracy (Guo et al. 2017, equation 3), in the mix.

    It is the sum over the bins of the bin's weight * |its accuracy - its mean confidence|.
    """
    confidence = answers.confidence
    gaps = answers.weights * (answers.right - confidence)
    return float(np.abs(np.bincount(calibration_bins(confidence), weights=gaps)).sum())


class ByChance(NamedTuple):
    """A perfectly calibrated model's calibration error: its mean and its 95th percentile."""

    mean: float
    percentile_95: float


def calibration_error_by_chance(answers: Answers) -> ByChance:
    """The calibration error of a perfectly calibrated model on as many photos.

    It is not 0, as each bin's accuracy is off by chance: only an error above it says something. In
    each of CALIBRATION_DRAWS draws an answer is right with the probability of its confidence.
    """
    rng = np.random.default_rng(0)
    confidence, weights = answers.confidence, answers.weights
    bins = calibration_bins(confidence)
    errors = []
    for _ in range(CALIBRATION_DRAWS):
        gaps = weights * ((rng.random(len(confidence)) < confidence) - confidence)
        errors.append(np.abs(np.bincount(bins, weights=gaps)).sum())
    return ByChance(float(np.mean(errors)), float(np.percentile(errors, 95)))


def accepted(confidence: np.ndarray, threshold: float | None) -> np.ndarray:
    """Which of N confidences a filter at that threshold accepts, as bool N; none without one.

    They are compared as float32, the type of the model's answers, as in handlers/outcomes.judge.
    """
    if threshold is None:
        return np.zeros(len(confidence), bool)
    return np.asarray(confidence, np.float32) >= np.float32(threshold)


def find_threshold(precision: float, answers: Answers) -> float | None:
    """The lowest threshold, of four decimals, that reaches this precision; None if none does.

    It is LOWEST_THRESHOLD at least: few photos may show no wrong answer down to a probability of 0.
    The precision is the share of right answers among those at or above the threshold, in the mix.
    """
    confidence, right, weights = answers.confidence, answers.right, answers.weights
    thresholds = np.maximum(np.floor(confidence * 1e4) / 1e4, LOWEST_THRESHOLD)
    for threshold in np.unique(thresholds):
        rows = accepted(confidence, threshold)
        if rows.any() and weights[rows & right].sum() >= precision * weights[rows].sum():
            return float(threshold)
    return None


def measure_threshold(threshold: float | None, answers: Answers) -> dict:
    """What a filter at that threshold does, as `judge` tells it."""
    return judge(accepted(answers.confidence, threshold), answers)


def judge(rows: np.ndarray, answers: Answers) -> dict:
    """What a filter does that accepts those of N + M answers, bool N + M.

    coverage: the share of the classes' photos that it accepts; precision: the share of right
    answers among all that it accepts in the mix, None if it accepts none; strangers: the share of
    the strangers that it accepts, with its 95 % interval, or None where there are no strangers.
    """
    weights = answers.weights
    photos, strangers = np.split(rows, [len(answers.labels)])
    return {
        "coverage": float(photos.mean()),
        "precision": float(weights[rows & answers.right].sum() / weights[rows].sum())
        if rows.any()
        else None,
        "strangers": {
            "images": len(strangers),
            "accepted": float(strangers.mean()),
            "interval": wilson_interval(int(strangers.sum()), len(strangers)),
        }
        if len(strangers)
        else None,
    }


def wilson_interval(right: float, count: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion (Wilson 1927)."""
    share, z2 = right / count, Z_95**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = Z_95 / (1 + z2 / count) * (share * (1 - share) / count + z2 / (4 * count**2)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def evaluate(answers: Answers, raw: Answers, classes: list[str]) -> dict:
    """One channel's part of metrics.json. A share of nothing is null.

    raw: the answers before calibration. Accuracy, recall and confusion are of the classes' photos
    alone; calibration errors and the table of thresholds are of the mix.
    """
    predicted, labels = answers.probabilities.argmax(1), answers.labels
    right, count = int((predicted == labels).sum()), len(labels)
    confusion = np.zeros((len(classes), len(classes)), int)
    np.add.at(confusion, (labels, predicted), 1)

    def share(part: int, whole: int) -> float | None:
        return float(part / whole) if whole else None

    return {
        "images": count,
        "accuracy": share(right, count),
        "accuracy_interval": wilson_interval(right, count),
        "classes": {
            name: {
                "images": int(confusion[i].sum()),
                "precision": share(confusion[i, i], confusion[:, i].sum()),
                "recall": share(confusion[i, i], confusion[i].sum()),
            }
            for i, name in enumerate(classes)
        },
        "confusion_matrix": confusion.tolist(),  # a row per true class, a column per predicted one
        "expected_calibration_error": {
            "before_temperature": expected_calibration_error(raw),
            "after_temperature": expected_calibration_error(answers),
            "by_chance": calibration_error_by_chance(answers).mean,
        },
        "thresholds": [
            {"threshold": threshold, **measure_threshold(threshold, answers)}
            for threshold in THRESHOLDS
        ],
    }
