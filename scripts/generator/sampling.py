"""Where pictures come from: rows of a dataset, photos in a folder, or the drawings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image, ImageFilter

from scripts import cli, dataset
from scripts.data import cifar, cifar10, folder
from scripts.data.images import LabelledImages, concatenate
from scripts.generator import changes, drawings
from scripts.generator.canvas import SIDE

DRAWN = ("bicycle", "motorcycle")  # as CIFAR's default classes
# Enlarged and made small again, a photo is as sharp as it was: else it would look like drift.
AS_SHARP = ImageFilter.UnsharpMask(radius=2, percent=30, threshold=0)

Choice = tuple[str, Callable[[], Image.Image]]


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
        source = folder.read(path, None)
        return Sampled(source.origin, concatenate([source.train, source.test]), source.classes)
    if drawn:
        return Drawn(DRAWN)
    try:
        found = dataset.find(s3, bucket, name)
    except cli.UserError:
        if name is not None:
            raise
        return Drawn(DRAWN)
    rows = dataset.read_rows(s3, bucket, found["name"], "test")
    return Sampled(f"test photos of {found['name']}", rows, tuple(found["classes"]))


def other_classes(known: Sequence[str], drawn: bool) -> Pictures:
    """Return pictures of what the model does not know: drawn, or test photos of CIFAR-10.

    UserError where the model knows all that there is, and as of `cifar.read_ten`.
    """
    available = drawings.VEHICLES if drawn else cifar10.LABELS
    unknown = tuple(name for name in available if name not in known)
    if not unknown:
        raise cli.UserError(
            "The model knows every class that there are pictures of: no other classes."
        )
    if drawn:
        return Drawn(unknown)
    source = cifar.read_ten(cifar.find_archives(None), unknown)
    return Sampled(f"photos of {', '.join(source.classes)}", source.test, source.classes)
