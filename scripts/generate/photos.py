"""Photos as the service might get them: each a pure function of the seed and its number."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from scripts.etl import cifar, folder
from scripts.etl.archive import CIFAR10_CLASSES
from scripts.generate import bad_images
from service import datasets, terminal
from service.labelled_images import LabelledImages, concatenate

SIDE = 128  # pixels a side of every photo that the generator makes
# Enlarged and made small again, a photo is as sharp as it was: else it would look like drift.
AS_SHARP = ImageFilter.UnsharpMask(radius=2, percent=30, threshold=0)

DEGREES = 4
CROPPED = 0.06  # at most so much of the side is cut away
BRIGHTNESS = 0.08
JPEG_QUALITY = (75, 95)
MARGIN = 8  # pixels beyond the edge that a turned photo may show

DARKER, BLURRED, OTHER_CLASSES = "darker", "blurred", "other-classes"
DRIFTS = (DARKER, BLURRED, OTHER_CLASSES)
DARKENED = 0.55
BLUR_RADIUS = 5  # pixels of a photo 128 wide: more than one of the 32 that the model sees

CONTENT_TYPE = "image/jpeg"  # bad ones say so too, as files do that somebody has renamed


@dataclass(frozen=True)
class Supply:
    """Photos to choose from. description: what they are, in words that differ between supplies."""

    description: str
    rows: LabelledImages
    classes: tuple[str, ...]


def find_known(s3, bucket: str, dataset: str | None, own_folder: Path | None) -> Supply:
    """Return photos of what the model knows.

    They are one's own, from a folder with a sub-folder a class, or test photos of the named dataset
    or the newest. UserError as of `datasets.find` and `folder.read`.
    """
    if own_folder is not None:
        source = folder.read(own_folder, None)
        return Supply(source.origin, concatenate([source.train, source.test]), source.classes)
    found = datasets.find(s3, bucket, dataset)
    rows = datasets.read_rows(s3, bucket, found["name"], "test")
    return Supply(f"test photos of {found['name']}", rows, tuple(found["classes"]))


def find_unknown(known: Sequence[str]) -> Supply:
    """Return photos of what the model does not know: test photos of CIFAR-10.

    UserError where the model knows all that there is, and as of `cifar.read_ten`.
    """
    unknown = tuple(name for name in CIFAR10_CLASSES if name not in known)
    if not unknown:
        raise terminal.UserError("The model knows every class of CIFAR-10: there are no others.")
    source = cifar.read_ten(cifar.find_archives([]), unknown)
    return Supply(f"photos of {', '.join(source.classes)}", source.test, source.classes)


class Purpose(IntEnum):
    """What random numbers are for: each has its own, whatever the others draw."""

    IMAGE = 1
    BAD = 2
    ARRIVAL = 3


@dataclass(frozen=True)
class GeneratedPhoto:
    """A photo and what the service should make of it.

    name: unique in its source, fit for a key. label: what it shows; None for a bad one.
    bad: its kind in bad_images.KINDS, or None. error: the name of the error that it must end
    with, or None. make: gives the bytes, the same each time.
    """

    name: str
    label: str | None
    bad: str | None
    error: str | None
    make: Callable[[], bytes]


@dataclass(frozen=True)
class PhotoSource:
    """Photo i of a seed: the same bytes in whatever order, thread or process it is asked for.

    bad: the share of bad ones, 0 to 1, spread evenly over the kinds. drift: one of DRIFTS, or
    None; with other classes, the supply is of those. kinds: of bad_images.KINDS.
    """

    seed: int
    supply: Supply
    bad: float = 0
    drift: str | None = None
    kinds: tuple[str, ...] = tuple(bad_images.KINDS)

    def __getitem__(self, number: int) -> GeneratedPhoto:
        """Return photo `number`, which is 0 or more."""
        kind = self._bad_kind(number)
        if kind is not None:
            error, make = bad_images.KINDS[kind]
            name = f"{number:07d}-{kind}.jpg"
            return GeneratedPhoto(name, None, kind, error, lambda: make(self._make(number)[0]))
        row = self._rng(Purpose.IMAGE, number).integers(len(self.supply.rows))
        label = self.supply.classes[self.supply.rows.labels[row]]
        name = f"{number:07d}-{label}.jpg"
        return GeneratedPhoto(name, label, None, None, lambda: self._make_jpeg(number))

    def digest(self) -> str:
        """Return 8 hex digits that tell this source from others of its seed."""
        recipe = f"{self.supply.description}|{self.bad}|{self.drift}"
        return hashlib.sha256(recipe.encode()).hexdigest()[:8]

    def describe(self) -> str:
        """Return what the photos are, in words."""
        drift = f", {self.drift}" if self.drift else ""
        return f"{self.supply.description}{drift}, {self.bad:.0%} bad, seed {self.seed}"

    def _bad_kind(self, number: int) -> str | None:
        # Every 1/bad-th photo: the share and the kinds' turns are exact at any length.
        rng = self._rng(Purpose.BAD)
        offset = rng.random()
        before = int(offset + number * self.bad)
        after = int(offset + (number + 1) * self.bad)
        if before == after:
            return None
        return self.kinds[rng.permutation(len(self.kinds))[before % len(self.kinds)]]

    def _make(self, number: int) -> tuple[Image.Image, np.random.Generator]:
        """Return a photo and the generator of random numbers that made it."""
        rng = self._rng(Purpose.IMAGE, number)
        row = rng.integers(len(self.supply.rows))
        return change_slightly(self.supply.rows.images[row], rng), rng

    def _make_jpeg(self, number: int) -> bytes:
        photo, rng = self._make(number)
        if self.drift == DARKER:
            photo = brighten(photo, DARKENED)
        elif self.drift == BLURRED:
            photo = photo.filter(ImageFilter.GaussianBlur(BLUR_RADIUS))
        quality = int(rng.integers(*JPEG_QUALITY, endpoint=True))  # that a camera might choose
        return bad_images.encode(photo, "JPEG", quality=quality)

    def _rng(self, purpose: Purpose, number: int = 0) -> np.random.Generator:
        return np.random.default_rng([self.seed, purpose, number])


def change_slightly(small: np.ndarray, rng: np.random.Generator) -> Image.Image:
    """Return another photo of the same thing, SIDE x SIDE: turned, cropped and brightened a bit.

    small: uint8 S x S x 3.
    """
    enlarged = Image.fromarray(small).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    edges = ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0))
    padded = Image.fromarray(np.pad(np.asarray(enlarged.filter(AS_SHARP)), edges, "reflect"))
    turned = padded.rotate(rng.uniform(-DEGREES, DEGREES), Image.Resampling.BICUBIC)
    side = SIDE * (1 - rng.uniform(0, CROPPED))
    left, top = MARGIN + rng.uniform(0, SIDE - side, 2)
    box = (left, top, left + side, top + side)
    cropped = turned.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box)
    return brighten(cropped, 1 + rng.uniform(-BRIGHTNESS, BRIGHTNESS))


def brighten(photo: Image.Image, factor: float) -> Image.Image:
    """Multiply every channel by the factor."""
    return ImageEnhance.Brightness(photo).enhance(factor)
