"""Archives as CIFAR's authors publish them: pickles in a tar file, read without running them."""

import hashlib
import http.client
import os
import pickle
import re
import tarfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from tqdm import tqdm

from service.labelled_images import LabelledImages, select, unique_names
from service.terminal import UserError

MEMBER_BYTES = 512 * 1024**2  # the largest official one has 155 MB
CHUNK_BYTES = 1024**2
TIMEOUT_SECONDS = 10


class UnreachableError(Exception):
    """The official site does not answer."""


@dataclass(frozen=True)
class Archive:
    """An official archive: what it is called, where it is, and the members that are read of it."""

    title: str
    url: str
    md5: str
    folder: str
    members: tuple[str, ...]

    @property
    def file_name(self) -> str:
        """What the official site calls it."""
        return self.url.rsplit("/", 1)[1]

    def download(self, cache: Path) -> Path:
        """Return the archive's path in `cache`, fetched unless it is there already.

        Raises UnreachableError where the site does not answer, UserError where what it sends
        has another md5 than the authors publish.
        """
        path = cache / self.file_name
        if path.exists() and md5(path) == self.md5:
            return path
        cache.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        digest = hashlib.md5(usedforsecurity=False)
        try:
            with part.open("wb") as file:
                for chunk in _fetch(self.url):
                    file.write(chunk)
                    digest.update(chunk)
            self.check_md5(digest.hexdigest(), self.url)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
        return path

    def check_md5(self, digest: str, origin: str) -> None:
        """Raise UserError unless the digest is the official archive's."""
        if digest != self.md5:
            raise UserError(
                f"What {origin} sent is not the official {self.title} archive: its md5 is "
                f"{digest}, not {self.md5}. Try again, or give the archive with --archive PATH."
            )

    def read(self, path: Path) -> dict[str, dict]:
        """Return the members' content by their names in the folder.

        Nothing is extracted: members are read by their exact names, the rest is passed over.
        Raises UserError for an archive that is missing, corrupt or of another shape.
        """
        if not path.is_file():
            raise UserError(f"There is no archive {path}. Give {self.title}'s with --archive PATH.")
        wanted = {f"{self.folder}/{name}": name for name in self.members}
        content = {}
        try:
            # A stream is read once from front to back: the official gzip is not unpacked twice.
            with tarfile.open(path, "r|*") as tar:
                for member in tar:
                    if member.name in wanted and member.isreg() and member.size <= MEMBER_BYTES:
                        content[wanted[member.name]] = load_pickle(tar.extractfile(member))
        except ForbiddenPickleError as error:
            raise UserError(
                f"{path} is no {self.title} archive: its pickle asks for {error}."
            ) from error
        except Exception as error:
            # Broken bytes raise almost anything: tarfile, zlib and pickle each have errors of
            # their own, and a cut pickle ends in IndexError, TypeError or KeyError as it happens.
            raise UserError(
                f"{path} is corrupt, or no {self.title} archive ({type(error).__name__}: {error}). "
                f"The official one is at {self.url}"
            ) from error
        missing = [name for name, short in wanted.items() if short not in content]
        if missing:
            raise UserError(f"{path} is no {self.title} archive: it has no {', '.join(missing)}.")
        return content

    @contextmanager
    def checking(self, path: Path) -> Iterator[None]:
        """Turn what wrong content raises into a UserError that names the archive."""
        try:
            yield
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path} does not hold what {self.title} holds: {error}.") from error

    def origin(self, path: Path) -> str:
        """Return where an archive comes from, in words."""
        digest = md5(path)
        if digest == self.md5:
            return f"{self.url} (md5 {digest})"
        return f"{path.name}, not the official archive (md5 {digest})"


def md5(path: Path) -> str:
    """Return the file's md5 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def class_names(names: list) -> list[str]:
    """Return the names, or raise ValueError for any that is not fit for an S3 key."""
    if not all(type(name) is str and re.fullmatch(r"[a-z0-9_]+", name) for name in names):
        raise ValueError("odd class names")
    return names


def rows(content: dict, labels: str, class_count: int) -> LabelledImages:
    """Return a pickled dict's rows, images as they lie in it: uint8 N x 3072, a plane a colour.

    `labels` is the key of the labels. Raises KeyError, TypeError or ValueError for wrong content.
    """
    data, names = content["data"], content["filenames"]
    numbers = np.asarray(content[labels], np.int64)
    if not isinstance(data, np.ndarray):
        raise TypeError("its data is no array")
    if data.shape != (len(numbers), 3 * 32 * 32) or len(names) != len(numbers):
        raise ValueError(f"{data.shape} bytes, {len(numbers)} labels and {len(names)} names")
    if len(numbers) and not 0 <= numbers.min() <= numbers.max() < class_count:
        raise ValueError("labels without a class")
    if not all(type(name) is str and re.fullmatch(r"[\w-]+\.png", name, re.A) for name in names):
        raise ValueError("odd file names")
    names = np.array([name.removesuffix(".png") for name in names], dtype=np.str_)
    return LabelledImages(data, numbers, names)


def check_filled(
    chosen: Sequence[int], classes: Sequence[str], splits: dict[str, LabelledImages], path: Path
) -> None:
    """Raise UserError unless every split has images of each chosen class."""
    for split, found in splits.items():
        filled = set(np.unique(found.labels).tolist())
        empty = [classes[index] for index in chosen if index not in filled]
        if empty:
            raise UserError(
                f"{path} has no {split} images of {', '.join(empty)}. "
                f"It has: {', '.join(classes[index] for index in sorted(filled)) or 'none at all'}."
            )


def selected(found: LabelledImages, chosen: Sequence[int]) -> LabelledImages:
    """Return the rows of the chosen labels, their images N x 32 x 32 x 3."""
    # The selection comes first, so that only its rows are copied.
    kept = select(found.images, found.labels, found.names, chosen)
    images = kept.images.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    names = unique_names(kept.labels, kept.names)
    return LabelledImages(np.ascontiguousarray(images), kept.labels, names)


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


class ForbiddenPickleError(Exception):
    """The pickle asks for something that image arrays and their labels do not need."""


class _ByteType:
    """Stands in for the dtype of unsigned bytes, the only one that images have."""

    def __init__(self, kind, align=False, copy=True):
        if kind not in ("u1", b"u1"):
            raise ForbiddenPickleError(f"an array of type {kind!r}")

    def __setstate__(self, state):
        """Byte order and the like: nothing in it matters to bytes."""


class _ByteArray:
    """Stands in for numpy.ndarray; `array` is uint8 of the pickled shape."""

    array: np.ndarray

    def __setstate__(self, state):
        _version, shape, kind, column_major, data = state
        if type(kind) is not _ByteType or type(data) is not bytes or column_major:
            raise ForbiddenPickleError("an array that does not hold bytes in row order")
        self.array = np.frombuffer(data, np.uint8).reshape(shape)


def _reconstruct(_subtype, _shape, _kind):
    return _ByteArray()


def _encode(text, encoding):
    """Bytes as Python 3 writes them in protocol 2, the official file's."""
    if type(text) is not str or encoding != "latin1":
        raise ForbiddenPickleError(f"text encoded as {encoding!r}")
    return text.encode("latin1")


STAND_INS = {
    # numpy 2 moved numpy.core to numpy._core; files exist from both sides of it.
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): _ByteArray,
    ("numpy", "dtype"): _ByteType,
    ("_codecs", "encode"): _encode,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        try:
            return STAND_INS[module, name]
        except KeyError:
            raise ForbiddenPickleError(f"{module}.{name}") from None

    def persistent_load(self, pid):
        raise ForbiddenPickleError("an object from outside the file")


def load_pickle(file: BinaryIO) -> dict:
    """Return the pickled dict: keys str, values lists, str or uint8 arrays.

    Raises ForbiddenPickleError where the pickle asks for anything else, and whatever
    pickle raises where the bytes are no pickle.
    """
    content = _Unpickler(file, encoding="bytes").load()
    if type(content) is not dict:
        raise ForbiddenPickleError(f"a {type(content).__name__} where a dict should be")
    return {_text(key): _plain(value) for key, value in content.items()}


def _plain(value):
    if type(value) is _ByteArray:
        return value.array
    if type(value) is list:
        return [_text(item) for item in value]
    return _text(value)


def _text(value):
    """Python 2 wrote its strings as bytes."""
    return value.decode() if type(value) is bytes else value
