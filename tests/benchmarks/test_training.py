"""The table of benchmarks/training.py, from jobs made up by hand."""

import numpy as np
import pytest

from benchmarks import training


def job(confidence: list[float], right: list[bool], threshold: float | None) -> training.Job:
    """A job whose test rows have these confidences."""
    probabilities = np.stack([confidence, 1 - np.array(confidence)], 1)
    seconds = {"training": 10.0, "job": 12.0}
    point = {"threshold": threshold, "precision_target": 0.99}
    known = {
        "test": {"accuracy": float(np.mean(right))},
        "operating_point": point,
        "seconds": seconds,
    }
    return training.Job(known, probabilities, np.where(right, 0, 1), 20.0)


FIRST = job([0.9, 0.8, 0.7, 0.6], [True, True, True, False], 0.7)
SECOND = job([0.95, 0.85, 0.75, 0.65], [True, False, True, True], 0.9)


def test_seeds_are_averaged():
    name, jobs, accuracy, _, at_threshold, largest, *times = training.row_of(
        "bikes", [FIRST, SECOND]
    )
    assert (name, jobs, accuracy) == ("bikes", "2", "0.750 ± 0.000")
    assert at_threshold == "0.500 ± 0.354, 1.000 ± 0.000"
    assert largest == "0.500 ± 0.354"
    assert times == ["10", "12 (20)"]


def test_a_job_without_a_threshold_covers_nothing():
    row = training.row_of("bikes", [job([0.9], [False], None)])
    assert row[4:6] == ["0.000, none", "0.000"]


def test_an_unknown_configuration_is_named(capsys):
    with pytest.raises(SystemExit):
        training.main(["boats"])
    assert "no configuration boats" in capsys.readouterr().err
