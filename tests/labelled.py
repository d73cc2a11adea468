"""Labelled images of noise."""

from collections.abc import Iterable

import numpy as np

from service.labelled_images import LabelledImages


def rows(count: int, seed: int = 0, classes: int = 2) -> LabelledImages:
    """Rows photo-0, photo-1, ..., the classes taking turns."""
    return LabelledImages(
        images=np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), np.uint8),
        labels=np.arange(count) % classes,
        names=np.array([f"photo-{row}" for row in range(count)]),
    )


def pixels(images: LabelledImages | Iterable[np.ndarray]) -> set[bytes]:
    """What tells images apart."""
    return {each.tobytes() for each in getattr(images, "images", images)}
