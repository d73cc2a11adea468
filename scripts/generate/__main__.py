"""Make load: a stream of photos at a mean rate, or many photos in one run of classifyBulk."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click

from scripts.bulk import results, runs
from scripts.cost import bill
from scripts.cost.run import measure
from scripts.generate import bad_images, photos, stream
from scripts.generate.photos import PhotoSource
from service import options, storage, terminal
from service.keys import GENERATED
from service.stack import Cloud, Stack, elapsed_seconds, find_stack

MOST_PHOTOS = 10**8
PHOTO_OPTIONS = (
    click.option(
        "--dataset", metavar="NAME", help="test photos of this dataset (default: the newest)"
    ),
    click.option(
        "--folder",
        "own_folder",
        type=options.Folder(),
        help="photos of your own: a sub-folder for each class",
    ),
    click.option(
        "--bad",
        type=options.Number(0, 1),
        default=0.0,
        help="share of files that are no photos, of every kind",
    ),
    click.option(
        "--drift", type=click.Choice(photos.DRIFTS), help="photos that differ from the training's"
    ),
    click.option(
        "--seed",
        type=click.IntRange(0, 2**63),
        default=0,
        help="the same seed gives the same photos at the same times",
    ),
)


def with_photo_options(command: Callable) -> Callable:
    """Add the options that choose the photos."""
    for option in reversed(PHOTO_OPTIONS):
        command = option(command)
    return command


@terminal.group("generate")
def main():
    """Make load: send photos as they might arrive, and print how they ended."""


@main.command("stream", example="--rate 20 --duration 60 --bad 0.05")
@options.stage
@with_photo_options
@click.option(
    "--rate", type=options.Number(0.01, 1000), default=20.0, help="photos a second, on average"
)
@click.option("--duration", type=options.Number(1, 86_400), default=60.0, help="in seconds")
def run_stream(stage, rate, duration, **photo_options):
    """Upload photos below incoming/ one by one, at random times."""
    stream.run(*prepare(stage, stream.BAD_KINDS, **photo_options), rate, duration)


@main.command("bulk", example="--images 2000")
@options.stage
@with_photo_options
@click.option(
    "--images",
    "count",
    type=click.IntRange(1, MOST_PHOTOS),
    required=True,
    help="number of photos",
)
def run_bulk(stage, count, **photo_options):
    """Classify many photos in one run of classifyBulk."""
    cloud, stack, source = prepare(stage, tuple(bad_images.KINDS), **photo_options)
    prefix = f"{GENERATED}bulk-{source.seed}-{datetime.now(UTC):%Y%m%d-%H%M%S}/"
    place = f"s3://{stack.bucket}/{prefix}"
    terminal.print_line("Photos", f"{count:,}: {source.describe()}")
    terminal.print_line("Keys", place)
    errors, uploads = {}, []
    for number in range(count):
        photo = source[number]
        errors[prefix + photo.name] = photo.error
        uploads.append(storage.Upload(prefix + photo.name, photo.make, photos.CONTENT_TYPE))
    s3 = cloud.client("s3", connections=storage.THREADS)
    storage.mirror(s3, stack.bucket, prefix, uploads)
    # The results are checked below.
    run = runs.submit(cloud, stack, place, tolerated_failure_percentage=100)
    terminal.print_line("Run", run.name)
    execution = runs.wait(cloud.client("stepfunctions"), run.execution_arn)
    if execution["status"] != "SUCCEEDED":
        reason = runs.format_failure(execution)
        raise terminal.UserError(f"The run {run.name} ended {execution['status']}. {reason}")
    problems = photos.Problems()
    counts = results.gather(
        cloud, stack, execution, lambda each: problems.check(each, errors[each["s3_key"]])
    )
    seconds = elapsed_seconds(execution)
    rate = f"{counts.submitted / seconds:,.0f} photos a second"
    terminal.print_line("Took", f"{terminal.duration(seconds)}, {rate}")
    statuses = terminal.format_counts(counts.statuses)
    terminal.print_line("Counts", f"{counts.submitted:,} submitted, {statuses}")
    print()
    terminal.show(bill.make_bill(measure(cloud, execution), bill.load_prices()).to_table())
    problems.raise_if_any()


def prepare(
    stage: str,
    kinds: tuple[str, ...],
    dataset: str | None,
    own_folder: Path | None,
    bad: float,
    drift: str | None,
    seed: int,
) -> tuple[Cloud, Stack, PhotoSource]:
    """Return the cloud, the stack, and the photos that the options choose."""
    if dataset and own_folder:
        raise click.UsageError("Give --dataset or --folder, not both.")
    cloud = Cloud()
    stack = find_stack(cloud, stage)
    supply = photos.find_known(cloud.client("s3"), stack.bucket, dataset, own_folder)
    if drift == photos.OTHER_CLASSES:
        supply = photos.find_unknown(supply.classes)
    return cloud, stack, PhotoSource(seed, supply, bad, drift, kinds)


if __name__ == "__main__":
    terminal.run(main)
