"""Train a model on a dataset in the service's bucket, as a SageMaker training job."""

import click

from scripts.train import folds
from service import config, datasets, jobs, logs, options, terminal
from service.jobs import Job
from service.logs import LOG_GROUP
from service.stack import Cloud, Stack, find_stack

MOST_SEED = 2**32 - 1  # NumPy's


@terminal.command("train", example="--epochs 30 --seed 1")
@options.stage
@click.option("--dataset", metavar="NAME", help="the dataset (default: the newest)")
@click.option(
    "--epochs",
    type=click.IntRange(1, 10_000),
    help=f"passes over the photos (default: {jobs.ENTRY_SCRIPT}'s)",
)
@click.option(
    "--seed",
    type=click.IntRange(0, MOST_SEED),
    help=f"random seed (default: {jobs.ENTRY_SCRIPT}'s)",
)
@click.option(
    "--folds",
    "fold_count",
    type=click.IntRange(2, 100),
    help="N jobs, each without a fold of the training photos that it then classifies",
)
@click.option("--spot", is_flag=True, help="on Spot capacity, with checkpoints to go on from")
@click.option(
    "--instance-type",
    type=options.parse_instance_type,
    metavar="TYPE",
    default=lambda: config.load()["training"]["instance_type"],
    show_default=False,
    help="the job's instance (default: config.yml's)",
)
def main(stage, dataset, epochs, seed, fold_count, spot, instance_type):
    """Train a model on a dataset, as a SageMaker training job."""
    cloud = Cloud()
    stack = find_stack(cloud, stage)
    s3 = cloud.client("s3")
    data = datasets.find(s3, stack.bucket, dataset)
    datasets.check_dataset_image_size(data, config.load()["image"]["size"])
    counts = {part: sum(classes.values()) for part, classes in data["counts"].items()}
    if not counts["train"]:
        raise terminal.UserError(
            f"The dataset {data['name']} has no photos to train on, as it came with a model of "
            "another stage. Make one: python -m scripts.etl (same --stage)"
        )
    job = describe_job(stack, stage, data["name"], epochs, seed, spot)
    terminal.print_line("Dataset", data["name"])
    terminal.print_line("Photos", ", ".join(f"{part} {count:,}" for part, count in counts.items()))
    logs.keep_log_group(cloud.client("logs"), LOG_GROUP)

    def run(job: Job, show_log: bool = False) -> dict:
        return jobs.run(cloud, stack, job, instance_type, show_log)

    if fold_count:
        folds.study(s3, stack.bucket, job, data, fold_count, run)
    else:
        jobs.report(run(job, show_log=True))


def describe_job(
    stack: Stack, stage: str, dataset_name: str, epochs: int | None, seed: int | None, spot: bool
) -> Job:
    """Return the job of the options.

    A hyperparameter has the name of its option in model/training/job.py, with hyphens.
    """
    channels = {
        part: datasets.arrays_uri(stack.bucket, dataset_name, part)
        for part in ("train", "validation", "test")
    }
    hyperparameters = {
        "precision-target": config.load()["model"]["precision_target"],
        "strangers-share": config.load()["model"]["strangers_share"],
        "epochs": epochs,
        "seed": seed,
    }
    return Job(
        name=config.service_name(stage),
        channels=channels,
        hyperparameters={k: value for k, value in hyperparameters.items() if value is not None},
        spot=spot,
    )


if __name__ == "__main__":
    terminal.run(main)
