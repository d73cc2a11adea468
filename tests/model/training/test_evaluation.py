"""The numbers of metrics.json, held against values worked out by hand or known from print."""

import math

import numpy as np
import pytest

from model.training import evaluation
from model.training.evaluation import Answers, Calibration

NO_STRANGERS = np.zeros((0, 2))


def answers(probabilities, labels, strangers=NO_STRANGERS, share: float = 0.1) -> Answers:
    return Answers(np.array(probabilities), np.array(labels), np.array(strangers), share)


def draw(logits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Labels that are as likely as the logits say."""
    chances = evaluation.softmax(logits)
    return (rng.random((len(logits), 1)) > chances.cumsum(1)).sum(1)


@pytest.mark.parametrize("factor", [1, 2.5, 0.5])
def test_temperature_undoes_a_known_miscalibration(factor):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 3))
    found = evaluation.calibrate(logits * factor, draw(logits, rng), logits[:0], 0.1)
    assert found.temperature == pytest.approx(factor, rel=0.03)
    assert found.stranger_bias is None


def test_calibration_holds_in_the_mix_though_it_was_fitted_to_another_share_of_strangers():
    # One row in three is a stranger; in the mix it shall be one in ten: odds of 1/9, not of 1/2.
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, (60_000, 3))
    logits[:, 2] += np.log(0.5) - np.log((draw(logits, rng) == 2).mean() * 1.5)
    labels = draw(logits, rng)
    known, strangers = logits[labels < 2], logits[labels == 2]
    found = evaluation.calibrate(2 * known, labels[labels < 2], 2 * strangers, 0.1)
    odds = len(strangers) / len(known)
    assert found.temperature == pytest.approx(2, rel=0.03)
    assert found.stranger_bias == pytest.approx(np.log(1 / 9 / odds), abs=0.05)


@pytest.mark.parametrize("bound", evaluation.INVERSE_TEMPERATURES)
def test_where_the_temperature_is_at_a_bound_the_bias_makes_the_best_of_it(bound):
    rng = np.random.default_rng(2)
    labels = np.arange(200) % 2
    # Of logits that say nothing, or far too little: 1 / temperature would be 0, or large.
    logits = rng.normal(0, 30, (200, 3)) if bound < 1 else 0.01 * np.eye(3)[labels]
    strangers = rng.normal(0, 30, (50, 3)) if bound < 1 else 0.01 * np.eye(3)[[2] * 50]
    temperature, bias = evaluation.calibrate(logits, labels, strangers, 0.3)
    assert 1 / temperature == pytest.approx(bound)

    def loss(bias: float) -> float:
        found = Calibration(temperature, bias)
        right = found.apply(logits)[np.arange(200), labels]
        return -(
            0.7 * np.log(right).mean() + 0.3 * np.log(1 - found.apply(strangers).sum(1)).mean()
        )

    assert loss(bias) < min(loss(bias - 0.1), loss(bias + 0.1))


def test_probabilities_leave_to_one_what_a_stranger_has():
    logits = np.log(np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]))
    kept = Calibration(1.0, 0.0).apply(logits)
    np.testing.assert_allclose(kept, [[0.5, 0.3], [0.1, 0.1]])
    np.testing.assert_allclose(Calibration(1.0, None).apply(logits).sum(1), 1)
    # A bias of log 2 doubles the odds of a stranger: 0.4 of 1.2.
    np.testing.assert_allclose(
        Calibration(1.0, math.log(2)).apply(logits)[0], [0.5 / 1.2, 0.3 / 1.2]
    )


@pytest.mark.parametrize("count", [2, 10, 100])
def test_rows_that_are_all_right_do_not_make_the_model_certain(count):
    logits, labels = np.tile([2.0, -1.0], (count, 1)), np.zeros(count, int)
    probabilities = evaluation.calibrate(logits, labels, NO_STRANGERS, 0.1).apply(logits)
    assert probabilities.max(1) == pytest.approx((count + 1) / (count + 2))


def test_expected_calibration_error_by_hand():
    # 15 bins. Confidences .55 and .57 share the bin (8/15, 9/15]: one of two right, mean .56.
    # .95 has (14/15, 1] to itself, and is right. So 2/3 * |.5 - .56| + 1/3 * |1 - .95|.
    given = answers([[0.55, 0.45], [0.43, 0.57], [0.95, 0.05]], [0, 0, 0])
    error = evaluation.expected_calibration_error(given)
    assert error == pytest.approx(2 / 3 * 0.06 + 1 / 3 * 0.05)


def test_a_stranger_counts_as_wrong_in_calibration_by_its_share_of_the_mix():
    # One right row of .9, one of .3 in a bin of two strangers of .3, who are a fifth of the mix.
    given = answers([[0.9, 0.1], [0.3, 0.2]], [0, 0], [[0.3, 0.1], [0.2, 0.3]], share=0.2)
    error = evaluation.expected_calibration_error(given)
    assert error == pytest.approx(0.4 * 0.1 + abs(0.4 * 0.7 - 0.2 * 0.3))


def test_calibration_error_by_chance_is_what_drawn_labels_average():
    # Fifteen rows in a bin of their own, right with chance .9: the mean of |right - 13.5| / 15 over
    # the binomial distribution.
    def by_chance(count: int, confidence: float = 0.9) -> evaluation.ByChance:
        probabilities = np.tile([confidence, 1 - confidence], (count, 1))
        return evaluation.calibration_error_by_chance(answers(probabilities, np.zeros(count, int)))

    chances = [math.comb(15, k) * 0.9**k * 0.1 ** (15 - k) for k in range(16)]
    expected = sum(chance * abs(k - 13.5) / 15 for k, chance in enumerate(chances))
    assert by_chance(15).mean == pytest.approx(expected, rel=0.05)
    assert by_chance(10, confidence=1.0) == (0, 0)
    assert by_chance(100).mean == pytest.approx(10 * by_chance(10_000).mean, rel=0.2)


POINTS = np.array([0.91, 0.97, 0.88, 0.995, 0.62, 0.95])
RIGHT = np.array([True, True, False, True, True, True])


@pytest.mark.parametrize(
    ("target", "threshold", "coverage", "precision"),
    [(0.99, 0.91, 4 / 6, 1.0), (0.8, 0.62, 1.0, 5 / 6), (0.84, 0.91, 4 / 6, 1.0)],
)
def test_threshold_is_the_lowest_that_reaches_the_precision(target, threshold, coverage, precision):
    given = answers(np.stack([POINTS, 1 - POINTS], 1), np.where(RIGHT, 0, 1))
    found = evaluation.find_threshold(target, given)
    assert found == pytest.approx(threshold)
    assert evaluation.measure_threshold(found, given) == {
        "coverage": pytest.approx(coverage),
        "precision": pytest.approx(precision),
        "strangers": None,
    }


def test_a_threshold_accepts_no_answer_that_is_more_probably_wrong():
    right = [[0.9, 0.1], [0.4, 0.3], [0.1, 0.05]]
    assert evaluation.find_threshold(0.99, answers(right, [0, 0, 0])) == 0.5
    assert evaluation.find_threshold(0.99, answers(right[1:], [0, 0])) is None


def test_a_stranger_that_is_accepted_costs_precision_by_its_share_of_the_mix():
    # At .8 both photos and one stranger of four: .8 right of .8 + .2 / 4. At .9 no stranger.
    photos, labels = [[0.95, 0.05], [0.85, 0.05]], [0, 0]
    strangers = [[0.82, 0.0], [0.3, 0.1], [0.2, 0.1], [0.1, 0.1]]
    given = answers(photos, labels, strangers, share=0.2)
    at = evaluation.measure_threshold(0.8, given)
    assert (at["coverage"], at["precision"]) == (1.0, pytest.approx(0.8 / 0.85))
    assert at["strangers"]["images"] == 4
    assert at["strangers"]["accepted"] == 0.25
    assert at["strangers"]["interval"] == evaluation.wilson_interval(1, 4)
    assert evaluation.find_threshold(0.88, given) == 0.5
    assert evaluation.find_threshold(0.99, given) == 0.85


def test_a_threshold_has_four_decimals_and_counts_the_rows_that_rounding_lets_in():
    # Floored, the threshold of the sure rows is .9000, which lets the wrong one at .90001 in too.
    confidence = np.array([0.90001, 0.90009, 0.96])
    given = answers(np.stack([confidence, 1 - confidence], 1), [1, 0, 0])
    assert evaluation.find_threshold(0.99, given) == 0.96


def test_without_a_threshold_that_reaches_the_precision_nothing_is_covered():
    given = answers([[0.9, 0.1], [0.8, 0.2]], [1, 0])
    assert evaluation.find_threshold(0.99, given) is None
    at = evaluation.measure_threshold(None, given)
    assert at == {"coverage": 0.0, "precision": None, "strangers": None}


# Newcombe, Statistics in Medicine 17 (1998), table I, method 3 (score, no continuity correction).
@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_matches_published_values(right, count, low, high):
    assert evaluation.wilson_interval(right, count) == pytest.approx((low, high), abs=5e-5)


def test_evaluate_counts_what_a_person_would_count():
    probabilities = [[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8], [0.45, 0.55]]
    given = answers(probabilities, [0, 1, 1, 1, 0], [[0.6, 0.1]])
    report = evaluation.evaluate(given, given, ["bicycle", "motorcycle"])

    assert report["images"] == 5
    assert report["accuracy"] == 0.6
    assert report["confusion_matrix"] == [[1, 1], [1, 2]]
    assert report["classes"]["bicycle"] == {"images": 2, "precision": 0.5, "recall": 0.5}
    assert report["classes"]["motorcycle"] == {"images": 3, "precision": 2 / 3, "recall": 2 / 3}
    by_threshold = {row["threshold"]: row for row in report["thresholds"]}
    assert by_threshold[0.5]["coverage"] == 1.0
    assert by_threshold[0.5]["precision"] == pytest.approx(0.9 * 0.6)
    assert by_threshold[0.5]["strangers"]["accepted"] == 1.0
    assert by_threshold[0.75]["coverage"] == 0.4
    assert by_threshold[0.75]["precision"] == pytest.approx(1.0)
    assert by_threshold[0.95]["precision"] is None
    errors = report["expected_calibration_error"]
    assert errors["before_temperature"] == errors["after_temperature"]
