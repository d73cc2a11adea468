"""Images as the service might get them: each a pure function of the seed and its number."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from PIL import Image

from scripts.generator import bad_images, changes, drift
from scripts.generator.sampling import Pictures

CONTENT_TYPE = "image/jpeg"  # bad ones say so too, as files do that somebody has renamed


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
    drift.KINDS, or None; with other classes, `pictures` are those.
    """

    def __init__(self, seed: int, pictures: Pictures, bad: float = 0, drifted: str | None = None):
        self.seed, self.pictures, self.bad, self.drifted = seed, pictures, bad, drifted
        self._change = drift.change_of(drifted)
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
