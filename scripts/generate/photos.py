"""Photos as the service might get them: each depends on the seed and its number alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from handlers.outcomes import LABELLED
from scripts.etl import cifar, folder
from scripts.etl.archive import CIFAR10_CLASSES
from scripts.generate import bad_images
from service import datasets, terminal
from service.labelled_images import LabelledImages, concatenate
from service.terminal import FirstFew

SIDE = 128  # pixels a side of every photo that the generator makes
# A photo that is enlarged and then shrunk stays as sharp as it was: else it would look like drift.
AS_SHARP = ImageFilter.UnsharpMask(radius=2, percent=30, threshold=0)

DEGREES = 4
CROPPED = 0.06  # largest part of the side that is cut away
BRIGHTNESS = 0.08
JPEG_QUALITY = (75, 95)
MARGIN = 8  # pixels beyond the edge that a turned photo may show

DARKER, BLURRED, OTHER_CLASSES = "darker", "blurred", "other-classes"
DRIFTS = (DARKER, BLURRED, OTHER_CLASSES)
DARKENED = 0.55
BLUR_RADIUS = 5  # pixels of a photo 128 wide: more than one of the 32 that the model sees

IMAGE, BAD, ARRIVAL = 1, 2, 3  # uses of random numbers: each has a generator of its own

CONTENT_TYPE = "image/jpeg"  # of bad images too, like files with a wrong name


@dataclass(frozen=True)
class Supply:
    """Photos to choose from."""

    description: str
    rows: LabelledImages
    classes: tuple[str, ...]


def find_known(s3, bucket: str, dataset: str | None, own_folder: Path | None) -> Supply:
    """Return photos of the model's classes: of a folder, or test photos of a dataset."""
    if own_folder is not None:
        source = folder.read(own_folder, None)
        return Supply(source.origin, concatenate([source.train, source.test]), source.classes)
    data = datasets.find(s3, bucket, dataset)
    rows, _ = datasets.read_split(s3, bucket, data["name"], "test")
    return Supply(f"test photos of {data['name']}", rows, tuple(data["classes"]))


def find_unknown(classes: Sequence[str]) -> Supply:
    """Return test photos of CIFAR-10's other classes. UserError where there are none."""
    unknown = tuple(name for name in CIFAR10_CLASSES if name not in classes)
    if not unknown:
        raise terminal.UserError("The model knows every class of CIFAR-10: there are no others.")
    source = cifar.read_cifar10(cifar.find_archives([]), unknown)
    return Supply(f"photos of {', '.join(source.classes)}", source.test, source.classes)


class GeneratedPhoto(NamedTuple):
    """A photo, and how the service should answer it.

    name: unique in its source, fit for a key. error: the name of the error that it must end with,
    or None. make: gives the bytes, the same each time.
    """

    name: str
    error: str | None
    make: Callable[[], bytes]


@dataclass(frozen=True)
class PhotoSource:
    """The photos of a seed by number: the same bytes in any order, thread or process.

    bad: the share of bad ones, 0 to 1, about the same of each kind. drift: one of DRIFTS, or
    None; for OTHER_CLASSES the supply has other classes. kinds: of bad_images.KINDS.
    """

    seed: int
    supply: Supply
    bad: float = 0
    drift: str | None = None
    kinds: tuple[str, ...] = tuple(bad_images.KINDS)

    def __getitem__(self, number: int) -> GeneratedPhoto:
        """Return photo `number`, from 0."""
        rng = self._rng(BAD, number)
        if rng.random() < self.bad:
            kind = self.kinds[rng.integers(len(self.kinds))]
            error, make = bad_images.KINDS[kind]
            name = f"{number:07d}-{kind}.jpg"
            return GeneratedPhoto(name, error, lambda: make(self._make(number)[0]))
        row = self._rng(IMAGE, number).integers(len(self.supply.rows))
        label = self.supply.classes[self.supply.rows.labels[row]]
        name = f"{number:07d}-{label}.jpg"
        return GeneratedPhoto(name, None, lambda: self._make_jpeg(number))

    def describe(self) -> str:
        """Return the photos' description."""
        drift = f", {self.drift}" if self.drift else ""
        return f"{self.supply.description}{drift}, {self.bad:.0%} bad, seed {self.seed}"

    def _make(self, number: int) -> tuple[Image.Image, np.random.Generator]:
        """Return a photo and the generator of its random numbers."""
        rng = self._rng(IMAGE, number)
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

    def _rng(self, purpose: int, number: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, purpose, number])


class Problems:
    """Photos that did not end as they should."""

    def __init__(self):
        self._texts = FirstFew(separator="; ")

    def check(self, result: dict, expected: str | None) -> None:
        """Compare a photo's result with the error that it must end with; None for no error."""
        error = result.get("error")
        wanted = expected or "classified"
        if error != expected or (expected is None and result["status"] not in LABELLED):
            self._texts.add(f"{result['s3_key']} ended {error or result['status']}, not {wanted}")

    def raise_if_any(self) -> None:
        """Raise UserError that counts the photos and names the first."""
        if self._texts.count:
            raise terminal.UserError(
                f"{self._texts.count:,} photos did not end as they should: {self._texts}."
            )


def change_slightly(small: np.ndarray, rng: np.random.Generator) -> Image.Image:
    """Return the photo, uint8 S x S x 3, as SIDE x SIDE: turned, cropped and brightened a bit."""
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
    """Return the photo with every channel multiplied by the factor."""
    return ImageEnhance.Brightness(photo).enhance(factor)
