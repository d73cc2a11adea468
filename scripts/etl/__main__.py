"""Get the photos, split them, and put them into the service's bucket."""

import json
import time
from collections.abc import Sequence
from pathlib import Path

import click

from scripts.etl import cifar, folder
from service import config, datasets, keys, options, terminal
from service.labelled_images import Source
from service.stack import Cloud, find_stack
from service.storage import THREADS

BATCH_SIZE = 40
UNEVEN = 2  # times as many photos of one class as of another


@terminal.command("etl", example="--classes bicycle,motorcycle,automobile,truck")
@options.stage
@click.option(
    "--classes",
    type=options.parse_classes,
    metavar="A,B",
    help="classes of CIFAR-10 and CIFAR-100, or of --folder (default: "
    f"{','.join(cifar.DEFAULT_CLASSES)}, or all of --folder)",
)
@click.option(
    "--archive",
    "archives",
    type=click.Path(path_type=Path),
    multiple=True,
    help="cifar-100-python.tar.gz or cifar-10-python.tar.gz, or one after the other; without "
    "it $CIFAR_ARCHIVE, else the official site",
)
@click.option(
    "--folder",
    "own_folder",
    type=options.Folder(),
    help="photos of your own instead: a sub-folder for each class",
)
@click.option(
    "--strangers",
    type=options.parse_classes,
    metavar="A,B",
    help="classes of CIFAR-10 that none of --folder's photos show, besides its sub-folder other/: "
    "the model learns to send such photos to review",
)
@click.option(
    "--batch",
    type=options.OutputFile(),
    default="batch.json",
    help="where to write the sample batch",
)
def main(stage, classes, archives, own_folder, strangers, batch):
    """Put the training arrays and the photos into the service's bucket."""
    if own_folder and archives and not strangers:
        raise click.UsageError("Give --folder or --archive: beside --folder it is for --strangers.")
    if strangers and not own_folder:
        raise click.UsageError("Give --strangers with --folder: CIFAR's are its other classes.")
    cloud = Cloud()
    stack = find_stack(cloud, stage)
    s3 = cloud.client("s3", connections=THREADS)
    began = time.monotonic()
    make_dataset(s3, stack.bucket, get_source(own_folder, archives, classes, strangers), batch)
    terminal.print_line("Took", terminal.duration(time.monotonic() - began))


def get_source(
    own_folder: Path | None,
    archives: Sequence[Path],
    classes: Sequence[str] | None,
    strangers: Sequence[str] | None,
) -> Source:
    """Read the photos of the user's folder, with the strangers asked for, or CIFAR's."""
    if own_folder:
        source = folder.read(own_folder, classes)
        if strangers is None:
            if source.strangers is None:
                terminal.warn(
                    "Strangers are not known: the model will take a photo of anything for one of "
                    "its classes, often with a high confidence.",
                    "Put photos of other things into the folder's sub-folder other/, or name "
                    "classes of CIFAR-10 that yours are none of: --strangers cat,dog,ship",
                )
            return source
        if both := [name for name in strangers if name in source.classes]:
            raise terminal.UserError(
                f"--strangers names {', '.join(both)}, which {own_folder} has as a class: the "
                "model would learn to refuse it. Name classes of CIFAR-10 that no photo of yours "
                "shows."
            )
        return folder.add_strangers(
            source, cifar.read_strangers(cifar.find_archives(archives), strangers)
        )
    paths = cifar.find_archives(archives)
    if archives and classes:
        cifar.check_needed(paths, classes)
    return cifar.read(paths, classes)


def make_dataset(s3, bucket: str, source: Source, batch_file: Path) -> None:
    """Put a dataset into the bucket and write a sample batch to a file."""
    side = source.train.images.shape[1]  # CIFAR's is 32; a folder's photos get config.yml's
    advice = f"write {side} there, or take photos of your own: --folder"
    datasets.check_image_size(f"{source.origin} has", side, config.load()["image"]["size"], advice)
    splits = datasets.split(source)
    terminal.print_line("Source", source.origin)
    terminal.print_line("Classes", ", ".join(source.classes))
    terminal.print_line(
        "Photos", ", ".join(f"{part} {len(each.rows):,}" for part, each in splits.items())
    )
    if source.strangers:
        counts = ", ".join(f"{part} {len(each.strangers):,}" for part, each in splits.items())
        terminal.print_line("Strangers", f"{counts}: {source.strangers.origin}")
    if uneven := find_uneven_classes(source):
        terminal.print_line("Uneven", uneven)
    name, summary = datasets.publish(s3, bucket, source, splits)
    removed = f", {summary.removed:,} outdated removed" if summary.removed else ""
    terminal.print_line(
        "Objects",
        f"{summary.sent:,} sent ({summary.sent_bytes / 1e6:.1f} MB), "
        f"{summary.kept:,} there already{removed}",
    )
    terminal.print_line("Dataset", f"s3://{bucket}/{keys.DATASETS}{name}/")
    batch = datasets.sample_batch(source, splits["test"], BATCH_SIZE)
    batch_file.write_text(json.dumps(batch, indent=2) + "\n")
    terminal.print_line("Batch", f"{batch_file} ({len(batch['images'])} photos)")


def find_uneven_classes(source: Source) -> str | None:
    """Return a warning where one class has far more photos than another, or None."""
    counts = {
        name: int((source.train.labels == label).sum()) for label, name in enumerate(source.classes)
    }
    if max(counts.values()) <= UNEVEN * min(counts.values()):
        return None
    by_class = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    return f"{by_class}: accuracy is mostly that of the larger classes, recall that of each"


if __name__ == "__main__":
    terminal.run(main)
