"""CIFAR-100, from the archive that its authors publish, or one of the same shape."""

import hashlib
import http.client
import os
import re
import tarfile
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from scripts.cli import UserError
from scripts.data import unpickle
from scripts.data.images import LabelledImages, Source, choose_classes, select

URL = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
MD5 = "eb9058c3a382ffc7106e4002c42a8d85"
ARCHIVE = "cifar-100-python.tar.gz"
MEMBERS = {f"cifar-100-python/{name}": name for name in ("train", "test", "meta")}
MEMBER_BYTES = 512 * 1024**2  # the official train file has 155 MB
CHUNK_BYTES = 1024**2
TIMEOUT_SECONDS = 10


class UnreachableError(Exception):
    """The official site does not answer."""


def download(folder: Path) -> Path:
    """Return the official archive's path in `folder`, fetched unless it is there already.

    Raises UnreachableError where the site does not answer, UserError where what it sends has
    another md5 than the authors publish.
    """
    path = folder / ARCHIVE
    if path.exists() and md5(path) == MD5:
        return path
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with part.open("wb") as file:
            for chunk in _fetch(URL):
                file.write(chunk)
                digest.update(chunk)
        check_md5(digest.hexdigest(), URL)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def md5(path: Path) -> str:
    """Return the file's md5 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def check_md5(digest: str, origin: str) -> None:
    """Raise UserError unless the digest is the official archive's."""
    if digest != MD5:
        raise UserError(
            f"What {origin} sent is not the official CIFAR-100 archive: its md5 is {digest}, "
            f"not {MD5}. Try again, or give the archive with --archive PATH."
        )


def read(path: Path, wanted: Sequence[str]) -> Source:
    """Read the wanted classes from an archive of CIFAR-100's shape.

    Nothing is extracted: three members are read by their exact names, the rest is passed over.
    Raises UserError for an archive that is missing, corrupt or of another shape, and for
    classes that it does not hold.
    """
    if not path.is_file():
        raise UserError(f"There is no archive {path}. Give CIFAR-100's with --archive PATH.")
    content = {}
    try:
        # A stream is read once from front to back: the official gzip is not unpacked twice.
        with tarfile.open(path, "r|*") as tar:
            for member in tar:
                if member.name in MEMBERS and member.isreg() and member.size <= MEMBER_BYTES:
                    content[MEMBERS[member.name]] = unpickle.load(tar.extractfile(member))
    except unpickle.ForbiddenPickleError as error:
        raise UserError(f"{path} is no CIFAR-100 archive: its pickle asks for {error}.") from error
    except Exception as error:
        # Broken bytes raise almost anything: tarfile, zlib and pickle each have errors of their
        # own, and a cut pickle ends in IndexError, TypeError or KeyError as it happens.
        raise UserError(
            f"{path} is corrupt, or no CIFAR-100 archive ({type(error).__name__}: {error}). "
            f"The official one is at {URL}"
        ) from error
    missing = [name for name, short in MEMBERS.items() if short not in content]
    if missing:
        raise UserError(f"{path} is no CIFAR-100 archive: it has no {', '.join(missing)}.")
    try:
        classes = _class_names(content["meta"])
        splits = {split: _rows(content.pop(split), len(classes)) for split in ("train", "test")}
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} does not hold what CIFAR-100 holds: {error}.") from error
    chosen = choose_classes(wanted, classes, "CIFAR-100")
    _check_filled(chosen, classes, splits, path)
    return Source(
        name="cifar100",
        origin=_origin(path),
        classes=tuple(classes[index] for index in chosen),
        train=_selected(splits["train"], chosen),
        test=_selected(splits["test"], chosen),
    )


def _fetch(url: str) -> Iterator[bytes]:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310
            total = int(response.headers.get("Content-Length", 0)) or None
            bar = tqdm(total=total, unit="B", unit_scale=True, desc="Download", disable=None)
            with bar:
                while chunk := response.read(CHUNK_BYTES):
                    bar.update(len(chunk))
                    yield chunk
    except (OSError, http.client.HTTPException) as error:
        raise UnreachableError(str(getattr(error, "reason", error))) from error


def _class_names(meta: dict) -> list[str]:
    names = meta["fine_label_names"]
    if not all(type(name) is str and re.fullmatch(r"[a-z0-9_]+", name) for name in names):
        raise ValueError("odd class names")
    return names


def _rows(content: dict, class_count: int) -> LabelledImages:
    data, names = content["data"], content["filenames"]
    labels = np.asarray(content["fine_labels"], np.int64)
    if not isinstance(data, np.ndarray):
        raise TypeError("its data is no array")
    if data.shape != (len(labels), 3 * 32 * 32) or len(names) != len(labels):
        raise ValueError(f"{data.shape} bytes, {len(labels)} labels and {len(names)} names")
    if len(labels) and not 0 <= labels.min() <= labels.max() < class_count:
        raise ValueError("labels without a class")
    if not all(type(name) is str and re.fullmatch(r"[\w-]+\.png", name, re.A) for name in names):
        raise ValueError("odd file names")
    names = np.array([name.removesuffix(".png") for name in names], dtype=np.str_)
    return LabelledImages(data, labels, names)


def _selected(rows: LabelledImages, chosen: Sequence[int]) -> LabelledImages:
    # The archive has a plane a colour; the selection comes first, so that only its rows are copied.
    kept = select(rows.images, rows.labels, rows.names, chosen)
    images = kept.images.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return LabelledImages(np.ascontiguousarray(images), kept.labels, _unique(kept))


def _unique(rows: LabelledImages) -> np.ndarray:
    """Return the names with a number behind those that a class has twice."""
    seen: dict[tuple[int, str], int] = {}
    result = []
    for label, name in zip(rows.labels.tolist(), rows.names.tolist(), strict=True):
        count = seen[label, name] = seen.get((label, name), 0) + 1
        result.append(name if count == 1 else f"{name}-{count}")
    return np.array(result, dtype=np.str_)


def _check_filled(chosen, classes, splits, path) -> None:
    for split, rows in splits.items():
        filled = set(np.unique(rows.labels).tolist())
        empty = [classes[index] for index in chosen if index not in filled]
        if empty:
            raise UserError(
                f"{path} has no {split} images of {', '.join(empty)}. "
                f"It has: {', '.join(classes[index] for index in sorted(filled)) or 'none at all'}."
            )


def _origin(path: Path) -> str:
    digest = md5(path)
    if digest == MD5:
        return f"{URL} (md5 {digest})"
    return f"{path.name}, not the official archive (md5 {digest})"
