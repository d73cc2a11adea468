"""The table of benchmarks/training.py, from jobs made up by hand."""

import numpy as np
import pytest

from benchmarks import training
from model.training.evaluation import Answers


def job(confidence: list[float], right: list[bool], threshold: float | None) -> training.Job:
    """A job whose test rows have these confidences."""
    probabilities = np.stack([confidence, 1 - np.array(confidence)], 1)
    seconds = {"training": 10.0, "job": 12.0}
    point = {"threshold": threshold, "precision_target": 0.99, "strangers_share": 0.1}
    known = {
        "test": {"accuracy": float(np.mean(right))},
        "operating_point": point,
        "seconds": seconds,
    }
    strangers = np.array([[0.72, 0.1], [0.3, 0.1]])
    return training.Job(known, Answers(probabilities, np.where(right, 0, 1), strangers, 0.1), 20.0)


FIRST = job([0.9, 0.8, 0.7, 0.6], [True, True, True, False], 0.7)
SECOND = job([0.95, 0.85, 0.75, 0.65], [True, False, True, True], 0.9)


def test_seeds_are_averaged():
    name, jobs, accuracy, _, measure_threshold, strangers, largest, *times = training.row_of(
        "bikes", [FIRST, SECOND]
    )
    assert (name, jobs, accuracy) == ("bikes", "2", "0.750 ± 0.000")
    # The first accepts one of two strangers, 0.05 of the mix, beside 0.9 * 3 / 4 that are right.
    mixed = (0.675 / 0.725, 1.0)
    assert measure_threshold == f"0.500 ± 0.354, {np.mean(mixed):.3f} ± {np.std(mixed, ddof=1):.3f}"
    assert strangers == "0.250 ± 0.354"
    assert largest == "0.375 ± 0.177"
    assert times == ["10", "12 (20)"]


def test_a_job_without_a_threshold_covers_nothing():
    row = training.row_of("bikes", [job([0.9], [False], None)])
    assert row[4:7] == ["0.000, none", "0.000", "0.000"]


def test_an_unknown_configuration_is_named(capsys):
    with pytest.raises(SystemExit):
        training.main(["boats"])
    assert "no configuration boats" in capsys.readouterr().err
