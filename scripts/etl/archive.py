"""CIFAR-10 and CIFAR-100 as their authors publish them: pickles in a tar file."""

import contextlib
import hashlib
import http.client
import pickle
import re
import shlex
import tarfile
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np

from service.labelled_images import (
    LabelledImages,
    Source,
    Strangers,
    choose_classes,
    concatenate,
    select,
)
from service.terminal import UserError, progress_bar

MEMBER_BYTES = 512 * 1024**2  # the largest official one has 155 MB
CHUNK_BYTES = 1024**2
TIMEOUT_SECONDS = 10


class UnreachableError(Exception):
    """The official site does not answer."""


@dataclass(frozen=True)
class Archive:
    """An official archive: its address, and the names of its members and of their fields."""

    title: str
    url: str
    md5: str
    folder: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    meta: str
    labels: str
    class_names: str

    @property
    def file_name(self) -> str:
        """The official file's name."""
        return self.url.rpartition("/")[2]

    @property
    def members(self) -> tuple[str, ...]:
        """The names of all members."""
        return (*self.train, *self.test, self.meta)

    def find_member(self, path: str) -> str | None:
        """Return the name of the archive's member at this path in a tar file, or None.

        People who pack it again may write ./cifar-100-python/train, data/cifar-100-python/train or
        train alone. A path that climbs out of the tar file is none.
        """
        parts = PurePosixPath(path).parts
        if not {"..", "/", "//"}.isdisjoint(parts) or parts[-2:-1] not in ((), (self.folder,)):
            return None
        return parts[-1] if parts and parts[-1] in self.members else None

    def download(self, cache: Path) -> Path:
        """Return the archive's path in `cache`, fetched unless there. UserError for a wrong md5."""
        path = cache / self.file_name
        if path.exists() and md5(path) == self.md5:
            return path
        cache.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        try:
            with part.open("wb") as file:
                for chunk in _fetch(self.url):
                    file.write(chunk)
            if (digest := md5(part)) != self.md5:
                raise UserError(
                    f"The file from {self.url} is not the official {self.title} archive: its md5 "
                    f"is {digest}, not {self.md5}. Try again, or give the archive with "
                    "--archive PATH."
                )
            return part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def read(self, path: Path, wanted: Sequence[str]) -> Source:
        """Return the wanted classes' rows, in the archive's own splits. Raises UserError."""
        check_file(path)
        content = self._load_members(path)
        try:
            classes = self._read_class_names(content[self.meta])
            splits = {
                split: concatenate(
                    [_rows(content.pop(name), self.labels, len(classes)) for name in names]
                )
                for split, names in (("train", self.train), ("test", self.test))
            }
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path} has not the content of {self.title}: {error}.") from error
        digest = md5(path)
        origin = self.url if digest == self.md5 else f"{path.name}, not the official archive"
        return choose(self, f"{origin} (md5 {digest})", classes, splits, wanted, path)

    def _load_members(self, path: Path) -> dict[str, dict]:
        """Return the members' content by their names. Nothing is extracted."""
        content: dict[str, dict] = {}
        twice = None
        try:
            # A stream is read once from front to back: the official gzip is not unpacked twice.
            with tarfile.open(path, "r|*") as tar:
                for member in tar:
                    name = self.find_member(member.name)
                    if name and member.isreg() and member.size <= MEMBER_BYTES:
                        twice = name if name in content else twice
                        content[name] = load_pickle(tar.extractfile(member))
        except Exception as error:
            # Broken bytes raise almost anything: tarfile, zlib and pickle each have errors of
            # their own, and a cut pickle may end in IndexError, TypeError or KeyError.
            raise UserError(
                f"{path} is corrupt, or no {self.title} archive ({type(error).__name__}: {error}). "
                f"The official one is at {self.url}"
            ) from error
        if twice:
            raise UserError(f"{path} holds {twice} twice: pack it again.")
        if missing := [f"{self.folder}/{name}" for name in self.members if name not in content]:
            raise UserError(f"{path} is no {self.title} archive: it has no {', '.join(missing)}.")
        return content

    def _read_class_names(self, meta: dict) -> list[str]:
        """Return the classes. Raises ValueError for names unfit for S3 keys, or not its own."""
        names = meta[self.class_names]
        if not all(type(name) is str and re.fullmatch(r"[a-z0-9_]+", name) for name in names):
            raise ValueError("odd class names")
        if self is CIFAR10 and tuple(names) != CIFAR10_CLASSES:
            raise ValueError(f"its classes are {names}")
        # No class of CIFAR-100 is one of CIFAR-10's (pickup_truck is no truck there): so a name
        # belongs to one of the two.
        if self is not CIFAR10 and (shared := set(names) & set(CIFAR10_CLASSES)):
            raise ValueError(f"CIFAR-10's {', '.join(sorted(shared))} among its classes")
        return names


# The official order of the ten labels.
CIFAR10_CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
CIFAR10 = Archive(
    title="CIFAR-10",
    url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    md5="c58f30108f718f92721af3b95e74349a",
    folder="cifar-10-batches-py",
    train=tuple(f"data_batch_{number}" for number in range(1, 6)),
    test=("test_batch",),
    meta="batches.meta",
    labels="labels",
    class_names="label_names",
)
CIFAR100 = Archive(
    title="CIFAR-100",
    url="https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
    md5="eb9058c3a382ffc7106e4002c42a8d85",
    folder="cifar-100-python",
    train=("train",),
    test=("test",),
    meta="meta",
    labels="fine_labels",
    class_names="fine_label_names",
)


def check_file(path: Path) -> None:
    """Raise UserError where there is no file at the path."""
    if path.is_dir():
        raise UserError(
            f"{path} is a folder, and --archive takes a file. Give the archive that it was "
            "unpacked from, with --folder photos of your own, or pack it: "
            f"tar -czf cifar.tar.gz -C {shlex.quote(str(path))} ."
        )
    if not path.is_file():
        raise UserError(
            f"There is no archive {path}. Give {CIFAR100.file_name} or {CIFAR10.file_name} "
            "with --archive PATH."
        )


def recognise(path: Path) -> Archive:
    """Return the archive of the file's first known member; CIFAR-100's reader names any fault."""
    with contextlib.suppress(Exception), tarfile.open(path, "r|*") as tar:
        for member in tar:
            if CIFAR10.find_member(member.name):
                return CIFAR10
            if CIFAR100.find_member(member.name):
                return CIFAR100
    return CIFAR100


def choose(
    archive: Archive,
    origin: str,
    classes: Sequence[str],
    splits: dict[str, LabelledImages],
    wanted: Sequence[str],
    path: Path,
) -> Source:
    """Return the rows of the wanted classes. UserError where a split lacks a class."""
    others = () if archive is CIFAR10 else CIFAR10_CLASSES
    chosen = choose_classes(wanted, classes, archive.title, others)
    rest = [index for index in range(len(classes)) if index not in chosen]
    parts, strangers = {}, {}
    for split, rows in splits.items():
        filled = set(np.unique(rows.labels).tolist())
        if empty := [classes[index] for index in chosen if index not in filled]:
            raise UserError(
                f"{path} has no {split} photos of {', '.join(empty)}. "
                f"It has: {', '.join(classes[index] for index in sorted(filled)) or 'none at all'}."
            )
        names = rows.names
        if archive is CIFAR10:
            # By their place, since npm's package has no names: both give the same dataset.
            names = np.array([f"{split}-{row:05}" for row in range(len(rows))], np.str_)
        rows = LabelledImages(rows.images, rows.labels, names)
        parts[split], strangers[split] = (select(rows, indexes) for indexes in (chosen, rest))
    return Source(
        name=archive.title.lower().replace("-", ""),
        origin=origin,
        classes=tuple(classes[index] for index in chosen),
        **parts,
        # The archive's classes exclude each other: these photos show none of the chosen ones.
        strangers=Strangers(f"other classes of {archive.title}", **strangers)
        if all(map(len, strangers.values()))
        else None,
    )


def md5(path: Path) -> str:
    """Return the file's md5 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _rows(content: dict, labels: str, class_count: int) -> LabelledImages:
    """Return the rows of a pickled dict. KeyError, TypeError or ValueError for wrong content.

    Its images are uint8 N x 3072, a plane for each colour; `labels` is the key of its labels.
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
    images = data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    names = np.array([name.removesuffix(".png") for name in names], dtype=np.str_)
    return LabelledImages(images, numbers, names)


def _fetch(url: str) -> Iterator[bytes]:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310
            total = int(response.headers.get("Content-Length", 0)) or None
            with progress_bar("Download", total, "B") as advance:
                while chunk := response.read(CHUNK_BYTES):
                    advance(len(chunk))
                    yield chunk
    except (OSError, http.client.HTTPException) as error:
        raise UnreachableError(str(getattr(error, "reason", error))) from error


# Pickles of image arrays and their labels; nothing that they name is run.


def load_pickle(file: BinaryIO) -> dict:
    """Return the pickled dict: keys str, values lists, str or uint8 arrays.

    Raises UnpicklingError where the pickle names anything else than such arrays need, and any of
    pickle's errors where the bytes are no pickle.
    """
    content = _Unpickler(file, encoding="bytes").load()
    if type(content) is not dict:
        raise pickle.UnpicklingError(f"a {type(content).__name__} where a dict should be")
    return {_text(key): _plain(value) for key, value in content.items()}


def _encode(text, encoding):
    """Bytes as Python 3 writes them in protocol 2, the official file's."""
    if type(text) is not str or encoding != "latin1":
        raise pickle.UnpicklingError(f"text encoded as {encoding!r}")
    return text.encode("latin1")


_reconstruct, *_ = np.empty(0).__reduce__()
ALLOWED = {
    # numpy 2 moved numpy.core to numpy._core; there are files from before and after.
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _encode,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return ALLOWED[module, name]


def _plain(value):
    if isinstance(value, np.ndarray) and value.dtype != np.uint8:
        raise pickle.UnpicklingError(f"an array of {value.dtype}")
    return [_text(item) for item in value] if type(value) is list else _text(value)


def _text(value):
    """Python 2 wrote its strings as bytes."""
    return value.decode() if type(value) is bytes else value
