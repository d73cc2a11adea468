"""The job's three channels, read and checked."""

import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

CHANNELS = ("train", "validation", "test")
LABEL_BYTES = 64  # the functions and the state machine rely on names of a bounded size


class JobError(Exception):
    """A problem that ends the job, in words for the person who started it."""


class Dataset(NamedTuple):
    """One channel: images uint8 N x S x S x 3, labels int64 N, the C class names.

    strangers: uint8 M x S x S x 3, photos of none of the classes; M is 0 where none are known.
    """

    images: np.ndarray
    labels: np.ndarray
    classes: list[str]
    strangers: np.ndarray


def load_channel(name: str, folder: str | None) -> Dataset:
    """Read one channel's `data.npz`. JobError unless it is as training/job.py describes it."""
    if not folder:
        raise JobError(f"there is no {name} channel: the job needs {', '.join(CHANNELS)}")
    path = Path(folder) / "data.npz"
    if not path.is_file():
        raise JobError(f"the {name} channel holds no data.npz ({path})")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            images, labels, classes = arrays["images"], arrays["labels"], arrays["classes"]
            strangers = arrays["strangers"] if "strangers" in arrays else images[:0]
    except (KeyError, OSError, ValueError, zipfile.BadZipFile) as error:
        raise JobError(f"the {name} channel's data.npz cannot be read: {error}") from error

    def check(holds: bool, problem: str) -> None:
        if not holds:
            raise JobError(f"the {name} channel's data.npz is wrong: {problem}")

    shape = " x ".join(map(str, images.shape))
    check(images.dtype == np.uint8, f"images are {images.dtype}, not uint8")
    check(images.ndim == 4 and images.shape[3] == 3, f"images are {shape}, not N x S x S x 3")
    side = images.shape[1]
    check(
        side == images.shape[2] and side >= 16 and side % 8 == 0,
        f"images are {shape}: the sides must be equal, at least 16 and a multiple of 8",
    )
    check(len(images) > 0, "it has no images")
    check(labels.dtype == np.int64, f"labels are {labels.dtype}, not int64")
    check(labels.shape == (len(images),), f"{len(images)} images, labels of shape {labels.shape}")
    check(classes.dtype.kind == "U" and classes.ndim == 1, "classes are not a list of names")
    check(len(classes) >= 2, f"{len(classes)} classes: there must be at least two")
    check(len(set(classes.tolist())) == len(classes), "a class is named twice")
    check(
        all(name.isprintable() and 0 < len(name.encode()) <= LABEL_BYTES for name in classes),
        f"a class's name is not printable, or not of 1 to {LABEL_BYTES} bytes",
    )
    check(
        labels.min() >= 0 and labels.max() < len(classes),
        f"labels from {labels.min()} to {labels.max()} for {len(classes)} classes",
    )
    check(
        strangers.dtype == np.uint8 and strangers.shape[1:] == images.shape[1:],
        f"strangers are {strangers.dtype} of {strangers.shape[1:]}, images of {images.shape[1:]}",
    )
    return Dataset(images, labels, classes.tolist(), strangers)


def check_channels(channels: dict[str, Dataset]) -> None:
    """JobError unless all channels agree on classes, size and whether there are strangers.

    `train` must have every class.
    """
    train = channels["train"]
    for name, data in channels.items():
        if data.classes != train.classes:
            raise JobError(f"the {name} channel's classes are {data.classes}, not {train.classes}")
        if data.images.shape[1:] != train.images.shape[1:]:
            raise JobError(
                f"the {name} channel's images are {data.images.shape[1:3]} pixels, "
                f"the train channel's {train.images.shape[1:3]}"
            )
        if bool(len(data.strangers)) != bool(len(train.strangers)):
            raise JobError(
                f"the {name} channel has {len(data.strangers)} strangers, the train channel "
                f"{len(train.strangers)}: all channels need some, or none"
            )
    counts = np.bincount(train.labels, minlength=len(train.classes))
    missing = [name for name, count in zip(train.classes, counts, strict=True) if not count]
    if missing:
        raise JobError(f"the train channel has no image of {', '.join(missing)}")
