"""Make load: a stream of photos at a mean rate, or many photos in one run of classifyBulk."""

from collections.abc import Callable
from pathlib import Path

import click

from scripts.generate import bad_images, bulk, photos, stream
from scripts.generate.photos import PhotoSource
from service import options, terminal
from service.stack import Cloud, Stack, find_stack

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
    bulk.run(*prepare(stage, tuple(bad_images.KINDS), **photo_options), count)


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
