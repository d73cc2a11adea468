"""Get the images, split them, and put them into the service's bucket."""

import argparse
import json
import os
import time
from pathlib import Path

from scripts.etl import cifar, cifar10, cifar100, folder
from service import config, datasets, keys, terminal
from service.labelled_images import Source
from service.stack import Cloud, find_stack
from service.storage import THREADS, Summary

BATCH_SIZE = 40
UNEVEN = 2  # times as many photos of one class as of another


def main(argv: list[str] | None) -> None:
    """Run `python -m scripts.etl`."""
    arguments = _parser().parse_args(argv)
    check(arguments)
    cloud = Cloud()
    stack = find_stack(cloud, arguments.stage)
    began = time.monotonic()
    s3 = cloud.client("s3", connections=THREADS)
    make_dataset(s3, stack.bucket, arguments)
    terminal.say("Seconds", f"{time.monotonic() - began:.1f}")


def make_dataset(s3, bucket: str, arguments: argparse.Namespace) -> None:
    """Put a dataset into the bucket and a sample batch onto the disk."""
    source = get_source(arguments)
    check_size(source, config.load()["image"]["size"])
    splits = datasets.splits_of(source)
    terminal.say("Source", source.origin)
    terminal.say("Classes", ", ".join(source.classes))
    terminal.say("Images", ", ".join(f"{part} {len(rows):,}" for part, rows in splits.items()))
    if uneven := uneven_classes(source):
        terminal.say("Uneven", uneven)
    name, summary = datasets.publish(s3, bucket, source, splits)
    terminal.say("Objects", told(summary))
    terminal.say("Dataset", f"s3://{bucket}/{keys.DATASETS}{name}/")
    batch = datasets.sample_batch(source, splits["test"], BATCH_SIZE)
    write_json(arguments.batch, batch)
    terminal.say("Batch", f"{arguments.batch} ({len(batch['images'])} test photos)")


def check(arguments: argparse.Namespace) -> None:
    """Raise UserError for options that do not go together."""
    if arguments.folder and arguments.archive:
        raise terminal.UserError("Give --folder or --archive: a dataset is of one or of the other.")
    given = cifar.recognise(arguments.archive or [])
    wanted = arguments.classes
    if wanted is not None:
        of_ten = [name for name in wanted if name in cifar10.LABELS]
        needed = {cifar10.ARCHIVE: bool(of_ten), cifar100.ARCHIVE: len(of_ten) < len(wanted)}
        for archive, path in given.items():
            if not needed[archive]:
                raise terminal.UserError(
                    f"{path} is {archive.title}'s archive, which has none of {', '.join(wanted)}. "
                    "Leave --archive away, or give the other one."
                )


def get_source(arguments: argparse.Namespace) -> Source:
    """Read the images from one's own folder, or CIFAR's."""
    if arguments.folder:
        return folder.read(arguments.folder, arguments.classes)
    return cifar.read(cifar.find_archives(arguments.archive), arguments.classes)


def check_size(source: Source, size: int) -> None:
    """Raise UserError where the photos have another size than config.yml's.

    CIFAR's have 32 pixels a side; those of a folder are made as large as config.yml says.
    """
    side = source.train.images.shape[1]
    if side != size:
        raise terminal.UserError(
            f"{source.origin}: its photos have {side} pixels a side, and image.size in config.yml "
            f"is {size}. Write {side} there, or take photos of your own: --folder."
        )


def uneven_classes(source: Source) -> str | None:
    """Return a line that says so where one class has far more photos than another."""
    counts = {
        name: int((source.train.labels == label).sum()) for label, name in enumerate(source.classes)
    }
    if max(counts.values()) <= UNEVEN * min(counts.values()):
        return None
    by_class = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    return f"{by_class}: accuracy is mostly that of the larger classes, recall tells of each"


def told(summary: Summary) -> str:
    """Return what an upload did, in words."""
    removed = f", {summary.removed:,} outdated removed" if summary.removed else ""
    return (
        f"{summary.sent:,} sent ({summary.sent_bytes / 1e6:.1f} MB), "
        f"{summary.kept:,} there already{removed}"
    )


def write_json(path: Path, content: dict) -> None:
    """Write a JSON file, whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(json.dumps(content, indent=2) + "\n")
        os.replace(part, path)
    except OSError as error:
        raise terminal.UserError(f"Cannot write {path}: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)


def _parser():
    parser = terminal.parser(
        "etl",
        "Put the training arrays and the photos into the service's bucket.",
        "--classes bicycle,motorcycle,automobile,truck",
    )
    parser.add_argument(
        "--classes",
        type=_class_list,
        metavar="A,B",
        help=f"classes of CIFAR-10 and CIFAR-100, or of --folder (default: "
        f"{','.join(cifar100.DEFAULT_CLASSES)}, or all of --folder)",
    )
    parser.add_argument(
        "--archive",
        type=Path,
        action="append",
        metavar="PATH",
        help="cifar-100-python.tar.gz or cifar-10-python.tar.gz, or one after the other; without "
        "it $CIFAR_ARCHIVE, else the official site",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        metavar="PATH",
        help="photos of your own instead: a sub-folder a class",
    )
    parser.add_argument(
        "--batch",
        type=Path,
        metavar="PATH",
        default="batch.json",
        help="where to write the sample batch (default: %(default)s)",
    )
    return parser


def _class_list(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


if __name__ == "__main__":
    terminal.run(main)
