"""Train a model on a dataset in the service's bucket, as a SageMaker training job."""

import argparse

from scripts.train import folds
from service import config, datasets, jobs, logs, terminal
from service.jobs import Job
from service.logs import LOG_GROUP
from service.stack import Cloud, Stack, find_stack


def main(argv: list[str] | None) -> None:
    """Run `python -m scripts.train`."""
    arguments = _parser().parse_args(argv)
    cloud = Cloud()
    stack = find_stack(cloud, arguments.stage)
    s3 = cloud.client("s3")
    data = datasets.find(s3, stack.bucket, arguments.dataset)
    datasets.check_size(data, config.load()["image"]["size"])
    counts = {part: sum(classes.values()) for part, classes in data["counts"].items()}
    job = describe(stack, arguments, data["name"])
    terminal.say("Dataset", data["name"])
    terminal.say("Images", ", ".join(f"{part} {count:,}" for part, count in counts.items()))

    logs.keep_log_group(cloud.client("logs"), LOG_GROUP)

    def run(job: Job, show_log: bool = False) -> dict:
        return jobs.run(cloud, stack, job, arguments.instance_type, show_log)

    if arguments.folds:
        folds.study(s3, stack.bucket, job, data, arguments.folds, run)
    else:
        jobs.report(run(job, show_log=True))


def describe(stack: Stack, arguments: argparse.Namespace, dataset_name: str) -> Job:
    """Return the job that the options ask for.

    Hyperparameters reach model/training/job.py as they are named: a hyphen, where it has one.
    """
    channels = {
        part: datasets.arrays_uri(stack.bucket, dataset_name, part)
        for part in ("train", "validation", "test")
    }
    chosen = {name: getattr(arguments, name) for name in ("epochs", "seed")}
    return Job(
        name=config.service_name(arguments.stage),
        channels=channels,
        hyperparameters={
            "precision-target": config.load()["model"]["precision_target"],
            **{name: value for name, value in chosen.items() if value is not None},
        },
        spot=arguments.spot,
    )


def _parser():
    parser = terminal.parser(
        "train", "Train a model on a dataset, as a SageMaker training job.", "--epochs 30 --seed 1"
    )
    parser.add_argument("--dataset", metavar="NAME", help="the dataset (default: the newest)")
    parser.add_argument(
        "--epochs",
        type=terminal.whole(1),
        metavar="N",
        help=f"passes over the images (default: {jobs.ENTRY_SCRIPT}'s)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help=f"random seed (default: {jobs.ENTRY_SCRIPT}'s)",
    )
    parser.add_argument(
        "--folds",
        type=terminal.whole(2),
        metavar="N",
        help="N jobs, each without a fold of the training photos that it then classifies",
    )
    parser.add_argument(
        "--spot", action="store_true", help="on Spot capacity, with checkpoints to go on from"
    )
    parser.add_argument(
        "--instance-type",
        metavar="TYPE",
        default=config.load()["training"]["instance_type"],
        help="default: %(default)s",
    )
    return parser


if __name__ == "__main__":
    terminal.run(main)
