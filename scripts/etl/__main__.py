"""Get the photos, split them, and put them into the service's bucket."""

import json
import time
from collections.abc import Sequence
from pathlib import Path

from scripts.etl import cifar, folder
from service import config, datasets, keys, terminal
from service.labelled_images import Source
from service.stack import Cloud, find_stack
from service.storage import THREADS

BATCH_SIZE = 40
UNEVEN = 2  # times as many photos of one class as of another


def main(argv: list[str] | None) -> None:
    """Run `python -m scripts.etl`."""
    arguments = _parser().parse_args(argv)
    cloud = Cloud()
    stack = find_stack(cloud, arguments.stage)
    s3 = cloud.client("s3", connections=THREADS)
    began = time.monotonic()
    source = get_source(arguments.folder, arguments.archive, arguments.classes)
    make_dataset(s3, stack.bucket, source, arguments.batch)
    terminal.say("Seconds", f"{time.monotonic() - began:.1f}")


def get_source(
    own_folder: str | None, archives: Sequence[Path] | None, classes: Sequence[str] | None
) -> Source:
    """Read the photos of one's own folder, or CIFAR's. UserError for options that do not fit."""
    if own_folder is None:
        found = cifar.find_archives(archives)
        if archives and classes:
            cifar.check_needed(found, classes)
        return cifar.read(found, classes)
    if archives:
        raise terminal.UserError("Give --folder or --archive: a dataset is of one or of the other.")
    return folder.read(own_folder, classes)


def make_dataset(s3, bucket: str, source: Source, batch_file: Path) -> None:
    """Put a dataset into the bucket and a sample batch onto the disk."""
    check_size(source, config.load()["image"]["size"])
    splits = datasets.splits_of(source)
    terminal.say("Source", source.origin)
    terminal.say("Classes", ", ".join(source.classes))
    terminal.say("Photos", ", ".join(f"{part} {len(rows):,}" for part, rows in splits.items()))
    if uneven := find_uneven_classes(source):
        terminal.say("Uneven", uneven)
    name, summary = datasets.publish(s3, bucket, source, splits)
    removed = f", {summary.removed:,} outdated removed" if summary.removed else ""
    terminal.say(
        "Objects",
        f"{summary.sent:,} sent ({summary.sent_bytes / 1e6:.1f} MB), "
        f"{summary.kept:,} there already{removed}",
    )
    terminal.say("Dataset", f"s3://{bucket}/{keys.DATASETS}{name}/")
    batch = datasets.sample_batch(source, splits["test"], BATCH_SIZE)
    write_json(batch_file, batch)
    terminal.say("Batch", f"{batch_file} ({len(batch['images'])} test photos)")


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


def find_uneven_classes(source: Source) -> str | None:
    """Return a line that says so where one class has far more photos than another."""
    counts = {
        name: int((source.train.labels == label).sum()) for label, name in enumerate(source.classes)
    }
    if max(counts.values()) <= UNEVEN * min(counts.values()):
        return None
    by_class = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    return f"{by_class}: accuracy is mostly that of the larger classes, recall that of each"


def write_json(path: Path, content: dict) -> None:
    """Write a JSON file. UserError where that is not possible."""
    try:
        path.write_text(json.dumps(content, indent=2) + "\n")
    except OSError as error:
        raise terminal.UserError(f"Cannot write {path}: {error.strerror}.") from error


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
        f"{','.join(cifar.DEFAULT_CLASSES)}, or all of --folder)",
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
        "--folder", metavar="PATH", help="photos of your own instead: a sub-folder a class"
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
