"""Accuracy, calibration and seconds of model/train.py: `python -m benchmarks.training`.

Each row is a configuration, each figure a mean over jobs that differ by their seed, with the
standard deviation between them. A job is `python model/train.py` in a process of its own, as a
SageMaker training job runs it. `python -m scripts.train --folds 5` judges it by more photos.
"""

import argparse
import json
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import onnxruntime

from model.training.evaluation import (
    Answers,
    calibration_error_by_chance,
    expected_calibration_error,
    find_threshold,
    measure_threshold,
)
from scripts.demo import FEWER_EPOCHS
from scripts.etl import cifar
from service import config, datasets, labelled_images
from service.labelled_images import Source

TRAIN = Path(__file__).parents[1] / "model" / "train.py"
# The demo's two trainings: classes, and what it tells train.py.
CONFIGURATIONS = {
    "bikes": (("bicycle", "motorcycle"), ()),
    "cars": (("automobile", "truck"), ("--epochs", str(FEWER_EPOCHS))),
}
HEADER = (
    "configuration",
    "jobs",
    "accuracy",
    "calibration error (by chance alone: mean, 95th percentile)",
    "at the threshold: coverage, precision in the mix",
    "strangers accepted there",
    "largest coverage at that precision",
    "training s",
    "job s (CPU s)",
)


@dataclass(frozen=True)
class Job:
    """What one job gave, and took."""

    metrics: dict
    answers: Answers  # to the test photos and test strangers
    cpu_seconds: float


def main(argv: Sequence[str] | None = None) -> None:
    """Run the jobs and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "configurations",
        nargs="*",
        metavar="NAME",
        help=f"of {', '.join(CONFIGURATIONS)} (default: all)",
    )
    parser.add_argument("--seeds", type=int, default=5, help="jobs a configuration")
    parser.add_argument("--archive", type=Path, action="append", default=[], metavar="PATH")
    arguments = parser.parse_args(argv)
    names = arguments.configurations or list(CONFIGURATIONS)
    if unknown := set(names) - set(CONFIGURATIONS):
        parser.error(f"no configuration {', '.join(sorted(unknown))}")

    archives = cifar.find_archives(arguments.archive)
    rows = []
    for name in names:
        classes, options = CONFIGURATIONS[name]
        source = cifar.read(archives, classes)
        jobs = []
        for seed in range(arguments.seeds):
            with tempfile.TemporaryDirectory() as folder:
                jobs.append(run(Path(folder), source, seed, options))
            accuracy = jobs[-1].metrics["test"]["accuracy"]
            sys.stderr.write(f"{name}: job {len(jobs)}, accuracy {accuracy:.4f}\n")
        rows.append(row_of(name, jobs))
    command = ["python", "-m", "benchmarks.training", *(sys.argv[1:] if argv is None else argv)]
    sys.stdout.write(f"{shlex.join(command)}\n\n{markdown(rows)}\n")


def run(folder: Path, source: Source, seed: int, options: Sequence[str]) -> Job:
    """Run one job in `folder`, which is empty."""
    splits = datasets.split(source)
    model = folder / "model"
    command = [sys.executable, str(TRAIN), "--seed", str(seed), *options]
    command += ["--strangers-share", str(config.load()["model"]["strangers_share"])]
    command += ["--model-dir", str(model), "--output-data-dir", str(folder / "output")]
    for name, split in splits.items():
        (folder / name).mkdir()
        body = labelled_images.encode_npz(split.rows, source.classes, split.strangers.images)
        (folder / name / "data.npz").write_bytes(body)
        command += [f"--{name}", str(folder / name)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=sys.stderr)  # noqa: S603 - train.py
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    session = onnxruntime.InferenceSession(model / "model.onnx")
    test = splits["test"]
    probabilities, strangers = (
        session.run(["probabilities"], {"images": images})[0]
        for images in (test.rows.images, test.strangers.images)
    )
    metrics = json.loads((model / "metrics.json").read_text())
    share = metrics["operating_point"]["strangers_share"]
    return Job(metrics, Answers(probabilities, test.rows.labels, strangers, share), cpu)


def row_of(name: str, jobs: list[Job]) -> list[str]:
    """One line of the table."""
    errors, by_chance, points, largest = [], [], [], []
    for job in jobs:
        errors.append(expected_calibration_error(job.answers))
        by_chance.append(calibration_error_by_chance(job.answers))
        point = job.metrics["operating_point"]
        points.append(measure_threshold(point["threshold"], job.answers))
        threshold = find_threshold(point["precision_target"], job.answers)
        largest.append(measure_threshold(threshold, job.answers)["coverage"])
    coverages = [each["coverage"] for each in points]
    precisions = [each["precision"] for each in points if each["precision"] is not None]
    strangers = [each["strangers"]["accepted"] for each in points if each["strangers"]]

    chance = ", ".join(f"{statistics.fmean(part):.3f}" for part in zip(*by_chance, strict=True))
    seconds = [job.metrics["seconds"] for job in jobs]
    cpu = statistics.fmean(job.cpu_seconds for job in jobs)
    return [
        name,
        str(len(jobs)),
        spread([job.metrics["test"]["accuracy"] for job in jobs]),
        f"{spread(errors)} ({chance})",
        f"{spread(coverages)}, {spread(precisions)}",
        spread(strangers),
        spread(largest),
        f"{statistics.fmean(each['training'] for each in seconds):.0f}",
        f"{statistics.fmean(each['job'] for each in seconds):.0f} ({cpu:.0f})",
    ]


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation."""
    if not values:
        return "none"
    deviation = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.3f}{deviation}"


def markdown(rows: list[list[str]]) -> str:
    """The rows as a table."""
    lines = [HEADER, ["---"] * len(HEADER), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
