"""Accuracy, calibration and seconds of model/train.py: `python -m benchmarks.training`.

Each row is a configuration, each figure a mean over jobs, with the standard deviation between
them. A job is `python model/train.py` in a process of its own, as a SageMaker training job runs it.
With `--folds N` the jobs differ by their data and not by their seed: each classifies a fold of the
training rows that it did not see, and calibration error and coverage are those of all folds
together. The test rows, 200 of them, are too few to measure a small calibration error by.

The jobs of a configuration pretrain alike, whatever their seed, so the first of them pretrains and
the others start from its checkpoint. Pretraining is counted on its own.
"""

import argparse
import json
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from model import train
from scripts import dataset, pretraining
from scripts.data import cifar, cifar10, encode, split
from scripts.data.images import LabelledImages, Source

TRAIN = Path(train.__file__)


@dataclass(frozen=True)
class Configuration:
    """Which classes to tell apart, and whether the network saw all of CIFAR-10 before."""

    classes: tuple[str, ...]
    pretrained: bool = False
    epochs: int | None = None  # None: as many as train.py itself would take


BIKES = ("bicycle", "motorcycle")
CONFIGURATIONS = {
    "bikes": Configuration(BIKES),
    "bikes-pretrained": Configuration(BIKES, pretrained=True),
    "vehicles": Configuration(("airplane", "automobile", "ship", "truck"), epochs=40),
}
HEADER = (
    "configuration",
    "jobs",
    "accuracy",
    "calibration error (by chance alone)",
    "at the threshold: coverage, precision",
    "largest coverage at that precision",
    "training s",
    "job s (CPU s)",
    "pretraining s",
)


@dataclass(frozen=True)
class Job:
    """What one job gave, and took."""

    metrics: dict
    probabilities: np.ndarray
    labels: np.ndarray
    cpu_seconds: float

    @property
    def accepted(self) -> np.ndarray:
        """Which rows are at or above the job's own threshold."""
        threshold = self.metrics["operating_point"]["threshold"]
        return self.probabilities.max(1) >= (np.inf if threshold is None else threshold)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the jobs and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "configurations",
        nargs="*",
        metavar="NAME",
        help=f"of {', '.join(CONFIGURATIONS)} (default: all)",
    )
    several = parser.add_mutually_exclusive_group()
    several.add_argument("--seeds", type=int, default=5, help="jobs a configuration")
    several.add_argument("--folds", type=int, help="parts of the training rows, a job each")
    parser.add_argument("--archive", type=Path, action="append", default=[], metavar="PATH")
    parser.add_argument(
        "--pretraining-checkpoint",
        type=Path,
        metavar="PATH",
        help="pretraining.pt of an earlier job, which spares the first one here its pretraining",
    )
    arguments = parser.parse_args(argv)
    names = arguments.configurations or list(CONFIGURATIONS)
    if unknown := set(names) - set(CONFIGURATIONS):
        parser.error(f"no configuration {', '.join(sorted(unknown))}")

    archives = cifar.recognise(arguments.archive)
    rows = []
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            configuration = CONFIGURATIONS[name]
            if configuration.pretrained and arguments.pretraining_checkpoint:
                (Path(folder) / "checkpoints").mkdir()
                kept = Path(folder) / "checkpoints" / "pretraining.pt"
                shutil.copy(arguments.pretraining_checkpoint, kept)
            source = cifar.read(archives, configuration.classes)
            jobs = []
            for seed, splits in parts(source, arguments):
                jobs.append(run(Path(folder), configuration, source, splits, seed, archives))
                done = jobs[-1].metrics["test"]["accuracy"]
                sys.stderr.write(f"{name}: job {len(jobs)}, accuracy {done:.4f}\n")
        rows.append(row_of(name, jobs, pooled=bool(arguments.folds)))
    command = ["python", "-m", "benchmarks.training", *(sys.argv[1:] if argv is None else argv)]
    sys.stdout.write(f"{shlex.join(command)}\n\n{markdown(rows)}\n")


def parts(source: Source, arguments: argparse.Namespace) -> Iterator[tuple[int, dataset.Splits]]:
    """Yield (seed, splits) for each job."""
    if not arguments.folds:
        for seed in range(arguments.seeds):
            yield seed, dataset.splits_of(source)
        return
    for others, fold in split.folds(source.train, arguments.folds):
        yield 0, dataset.splits_of(Source(source.name, source.origin, source.classes, others, fold))


def run(
    folder: Path,
    configuration: Configuration,
    source: Source,
    splits: dataset.Splits,
    seed: int,
    archives: dict,
) -> Job:
    """Run one job in `folder`, which keeps what the next one can use."""
    channels = [part for name in splits for part in (f"--{name}", str(folder / name))]
    for name, rows in splits.items():
        write(folder / name, rows, source.classes)
    if configuration.pretrained:
        channels += ["--pretraining", str(folder / "pretraining")]
        if not (folder / "pretraining").exists():
            ten = cifar.read_ten(archives, cifar10.LABELS)
            write(folder / "pretraining", pretraining.rows_of(ten), ten.classes)
    checkpoints = folder / "checkpoints"
    (checkpoints / "training.pt").unlink(missing_ok=True)  # pretraining.pt stays
    model = folder / "model"
    shutil.rmtree(model, ignore_errors=True)
    command = [sys.executable, str(TRAIN), *channels, "--seed", str(seed)]
    command += ["--model-dir", str(model), "--output-data-dir", str(folder / "output")]
    command += ["--checkpoint-dir", str(checkpoints)]
    if configuration.epochs:
        command += ["--epochs", str(configuration.epochs)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=sys.stderr)  # noqa: S603 - train.py
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    session = onnxruntime.InferenceSession(model / "model.onnx")
    test = splits["test"]
    (probabilities,) = session.run(["probabilities"], {"images": test.images})
    metrics = json.loads((model / "metrics.json").read_text())
    return Job(metrics, probabilities, test.labels, cpu)


def write(folder: Path, rows: LabelledImages, classes: Sequence[str]) -> None:
    """Write one channel."""
    folder.mkdir(exist_ok=True)
    (folder / "data.npz").write_bytes(encode.npz(rows, classes))


def row_of(name: str, jobs: list[Job], pooled: bool) -> list[str]:
    """One line of the table. `pooled`: the jobs' rows are parts of one whole."""
    groups = [jobs] if pooled else [[job] for job in jobs]
    errors, by_chance, coverages, precisions, largest = [], [], [], [], []
    for group in groups:
        probabilities = np.concatenate([job.probabilities for job in group])
        labels = np.concatenate([job.labels for job in group])
        accepted = np.concatenate([job.accepted for job in group])
        right = probabilities.argmax(1) == labels
        errors.append(train.expected_calibration_error(probabilities, labels))
        by_chance.append(train.calibration_error_by_chance(probabilities.max(1)))
        coverages.append(accepted.mean())
        if accepted.any():
            precisions.append(right[accepted].mean())
        target = group[0].metrics["operating_point"]["precision_target"]
        threshold = train.threshold_for(target, probabilities, labels)
        largest.append(train.at_threshold(threshold, probabilities, labels)["coverage"])

    # The first job also pretrains; where there are others they show what the rest of it takes.
    rest = jobs[1:] if jobs[0].metrics["pretraining"] and jobs[1:] else jobs
    seconds = [job.metrics["seconds"] for job in rest]
    cpu = statistics.fmean(job.cpu_seconds for job in rest)
    pretraining_seconds = jobs[0].metrics["seconds"]["pretraining"]
    return [
        name,
        str(len(jobs)),
        spread([job.metrics["test"]["accuracy"] for job in jobs]),
        f"{spread(errors)} ({statistics.fmean(by_chance):.3f})",
        f"{spread(coverages)}, {spread(precisions)}",
        spread(largest),
        f"{statistics.fmean(each['training'] for each in seconds):.0f}",
        f"{statistics.fmean(each['job'] for each in seconds):.0f} ({cpu:.0f})",
        f"{pretraining_seconds:.0f}" if pretraining_seconds else "none",
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
