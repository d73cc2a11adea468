"""The same training with many seeds: what a number owes to chance."""

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from scripts import job_output, table
from scripts.studies.jobs import in_turn
from scripts.training_job import Job

HEADER = ("Seed", "Accuracy", "ECE", "Coverage", "Precision", "Threshold", "Training")
NOTHING = "-"


@dataclass(frozen=True)
class Outcome:
    """How a model does on the test photos, at the threshold that validation photos chose.

    threshold is None where none reaches the precision target: then nothing is covered, and
    precision is None. precision_target and by_chance, the calibration error that a perfectly
    calibrated model would show, are what to hold the numbers against.
    """

    accuracy: float
    calibration_error: float
    coverage: float
    precision: float | None
    threshold: float | None
    seconds: float
    by_chance: float
    precision_target: float
    photos: int


def study(s3, bucket: str, job: Job, count: int, run: Callable[[Job], dict]) -> None:
    """Run the job with the seeds 0 to count - 1 and print a table of them, mean and spread."""
    jobs = [
        replace(job, hyperparameters={**job.hyperparameters, "seed": seed}) for seed in range(count)
    ]
    outcomes = [
        outcome_of(json.loads(_metrics(s3, done)))
        for done in in_turn(s3, bucket, jobs, run, same_pretraining=True)
    ]
    print(f"\n{report(outcomes)}")


def outcome_of(metrics: dict) -> Outcome:
    """Return what metrics.json says."""
    test, point = metrics["test"], metrics["operating_point"]
    error = test["expected_calibration_error"]
    return Outcome(
        accuracy=test["accuracy"],
        calibration_error=error["after_temperature"],
        coverage=point["test"]["coverage"],
        precision=point["test"]["precision"],
        threshold=point["threshold"],
        seconds=metrics["seconds"]["training"],
        by_chance=error["by_chance"],
        precision_target=point["precision_target"],
        photos=test["images"],
    )


def report(outcomes: Sequence[Outcome]) -> str:
    """Return a table with a row a seed, mean and standard deviation, and what to read it by."""
    rows = [[str(seed), *_cells(outcome)] for seed, outcome in enumerate(outcomes)]
    columns = [
        [getattr(outcome, name) for outcome in outcomes if getattr(outcome, name) is not None]
        for name in ("accuracy", "calibration_error", "coverage", "precision", "threshold")
    ]
    seconds = [outcome.seconds for outcome in outcomes]
    foot = [
        ["mean", *(_share(_mean(column)) for column in columns), f"{_mean(seconds):.1f} s"],
        ["±", *(_share(_deviation(column)) for column in columns), f"{_deviation(seconds):.1f} s"],
    ]
    first = outcomes[0]
    by_chance = statistics.mean(outcome.by_chance for outcome in outcomes)
    return "\n".join(
        [
            table.render(HEADER, rows, right=range(len(HEADER)), foot=foot),
            "",
            f"On the {first.photos:,} test photos; ± is the standard deviation over the seeds.",
            "Coverage and precision: of the answers at or above the threshold that gives "
            f"{first.precision_target * 100:g} % precision on validation photos.",
            f"ECE: of so few photos a perfectly calibrated model shows {_share(by_chance)}.",
        ]
    )


def _cells(outcome: Outcome) -> list[str]:
    return [
        _share(outcome.accuracy),
        _share(outcome.calibration_error),
        _share(outcome.coverage),
        _share(outcome.precision),
        _share(outcome.threshold),
        f"{outcome.seconds:.1f} s",
    ]


def _mean(values: Sequence[float]) -> float | None:
    return statistics.mean(values) if values else None


def _deviation(values: Sequence[float]) -> float | None:
    return statistics.stdev(values) if len(values) > 1 else None


def _share(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.4f}"


def _metrics(s3, job: dict) -> bytes:
    return job_output.read_member(s3, job["ModelArtifacts"]["S3ModelArtifacts"], "metrics.json")
