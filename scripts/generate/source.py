"""Images as the service might get them: each a pure function of the seed and its number."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image, ImageFilter

from scripts.etl import cifar, folder
from scripts.etl.archive import CIFAR10_CLASSES
from scripts.generate import bad_images, changes, drawings
from scripts.generate.drawings import SIDE
from service import datasets, terminal
from service.labelled_images import LabelledImages, concatenate

DRAWN = ("bicycle", "motorcycle")  # as CIFAR's default classes
# Enlarged and made small again, a photo is as sharp as it was: else it would look like drift.
AS_SHARP = ImageFilter.UnsharpMask(radius=2, percent=30, threshold=0)

Choice = tuple[str, Callable[[], Image.Image]]

CONTENT_TYPE = "image/jpeg"  # bad ones say so too, as files do that somebody has renamed


class Pictures(Protocol):
    """A supply of pictures, each chosen by a generator of random numbers.

    told: what they are, in words that differ between supplies; classes: what they may show.
    """

    told: str
    classes: tuple[str, ...]

    def choose(self, rng: np.random.Generator) -> Choice:
        """Return a class and what makes a picture of it, RGB, SIDE x SIDE, with the same rng."""


@dataclass(frozen=True)
class Drawn:
    """Vehicles drawn on varied backgrounds."""

    classes: tuple[str, ...]

    @property
    def told(self) -> str:
        """What they are."""
        return f"drawn {', '.join(self.classes)}"

    def choose(self, rng: np.random.Generator) -> Choice:
        """Return a class and what draws it."""
        vehicle = self.classes[rng.integers(len(self.classes))]
        return vehicle, lambda: drawings.draw(vehicle, rng)


@dataclass(frozen=True)
class Sampled:
    """Rows of photos, enlarged and slightly changed: the same row is another photo each time."""

    told: str
    rows: LabelledImages
    classes: tuple[str, ...]

    def choose(self, rng: np.random.Generator) -> Choice:
        """Return a row's class and what makes a photo of it."""
        row = rng.integers(len(self.rows))
        return self.classes[self.rows.labels[row]], lambda: self._photo(row, rng)

    def _photo(self, row: int, rng: np.random.Generator) -> Image.Image:
        small = Image.fromarray(self.rows.images[row])
        large = small.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        return changes.slightly(large.filter(AS_SHARP), rng)


def known_classes(s3, bucket: str, name: str | None, path: Path | None, drawn: bool) -> Pictures:
    """Return pictures of what the model knows.

    They are drawn, from a folder with a sub-folder a class, or test photos of the named dataset
    or the newest; where none is named and none is there, they are drawn. UserError as of
    `dataset.find` and `folder.read`.
    """
    if path is not None:
        source = folder.read(str(path), None)
        return Sampled(source.origin, concatenate([source.train, source.test]), source.classes)
    if drawn:
        return Drawn(DRAWN)
    try:
        found = datasets.find(s3, bucket, name)
    except terminal.UserError:
        if name is not None:
            raise
        return Drawn(DRAWN)
    rows = datasets.read_rows(s3, bucket, found["name"], "test")
    return Sampled(f"test photos of {found['name']}", rows, tuple(found["classes"]))


def other_classes(known: Sequence[str], drawn: bool) -> Pictures:
    """Return pictures of what the model does not know: drawn, or test photos of CIFAR-10.

    UserError where the model knows all that there is, and as of `cifar.read_ten`.
    """
    available = drawings.VEHICLES if drawn else CIFAR10_CLASSES
    unknown = tuple(name for name in available if name not in known)
    if not unknown:
        raise terminal.UserError(
            "The model knows every class that there are pictures of: no other classes."
        )
    if drawn:
        return Drawn(unknown)
    source = cifar.read_ten(cifar.find_archives(None), unknown)
    return Sampled(f"photos of {', '.join(source.classes)}", source.test, source.classes)


class Purpose(IntEnum):
    """What random numbers are for: each has its own, whatever the others draw."""

    IMAGE = 1
    BAD = 2
    ARRIVAL = 3


@dataclass(frozen=True)
class GeneratedImage:
    """An image and what the service should make of it.

    name: unique in its source, fit for a key. label: what it shows; None for a bad one.
    bad: its kind in bad_images.KINDS, or None. error: the name of the error that it must end
    with, or None. make: gives the bytes, the same each time.
    """

    name: str
    label: str | None
    bad: str | None
    error: str | None
    make: Callable[[], bytes]


class ImageSource:
    """Image i of a seed: the same bytes in whatever order, thread or process it is asked for.

    bad: the share of bad images, 0 to 1, spread evenly over the kinds. drifted: one of
    changes.DRIFTS, or None; with other classes, `pictures` are those.
    """

    def __init__(self, seed: int, pictures: Pictures, bad: float = 0, drifted: str | None = None):
        self.seed, self.pictures, self.bad, self.drifted = seed, pictures, bad, drifted
        self._change = changes.change_of(drifted)
        rng = self._rng(Purpose.BAD)
        self._offset = rng.random()
        self._kinds = [
            list(bad_images.KINDS)[kind] for kind in rng.permutation(len(bad_images.KINDS))
        ]

    def __getitem__(self, number: int) -> GeneratedImage:
        """Return image `number`, which is 0 or more."""
        kind_name = self._bad_kind(number)
        if kind_name is not None:
            kind = bad_images.KINDS[kind_name]
            return GeneratedImage(
                name=f"{number:07d}-{kind_name}.jpg",
                label=None,
                bad=kind_name,
                error=kind.error,
                make=lambda: kind.make(self._picture(number)),
            )
        label, _ = self.pictures.choose(self._rng(Purpose.IMAGE, number))
        return GeneratedImage(
            name=f"{number:07d}-{label}.jpg",
            label=label,
            bad=None,
            error=None,
            make=lambda: self._photo(number),
        )

    def digest(self) -> str:
        """Return 8 hex digits that tell this source from others of its seed."""
        recipe = f"{self.pictures.told}|{self.bad}|{self.drifted}"
        return hashlib.sha256(recipe.encode()).hexdigest()[:8]

    def told(self) -> str:
        """Return what the images are, in words."""
        drifted = f", {self.drifted}" if self.drifted else ""
        return f"{self.pictures.told}{drifted}, {self.bad:.0%} bad, seed {self.seed}"

    def _bad_kind(self, number: int) -> str | None:
        # Every 1/bad-th image: the share and the kinds' turns are exact at any length.
        before = int(self._offset + number * self.bad)
        after = int(self._offset + (number + 1) * self.bad)
        return self._kinds[before % len(self._kinds)] if after > before else None

    def _photo(self, number: int) -> bytes:
        rng = self._rng(Purpose.IMAGE, number)
        _, make = self.pictures.choose(rng)
        return changes.jpeg(self._change(make()), rng)

    def _picture(self, number: int) -> Image.Image:
        _, make = self.pictures.choose(self._rng(Purpose.IMAGE, number))
        return make()

    def _rng(self, purpose: Purpose, number: int = 0) -> np.random.Generator:
        return np.random.default_rng([self.seed, purpose, number])
