"""How pictures may come to differ from those that the model learnt from.

`darker` and `blurred` change a picture, `other-classes` replaces it by one of something that the
model does not know. Each is strong enough that 500 pictures tell it from 500 without.
"""

from collections.abc import Callable

from PIL import Image, ImageFilter

from scripts.generator import changes

DARKER, BLURRED, OTHER_CLASSES = "darker", "blurred", "other-classes"
KINDS = (DARKER, BLURRED, OTHER_CLASSES)
BRIGHTNESS = 0.55
BLUR_RADIUS = 5  # pixels of a picture 128 wide: more than one of the 32 that the model sees


def change_of(kind: str | None) -> Callable[[Image.Image], Image.Image]:
    """Return what a kind of drift does to a picture; None stands for no drift."""
    if kind == DARKER:
        return lambda picture: changes.brighter(picture, BRIGHTNESS)
    if kind == BLURRED:
        return lambda picture: picture.filter(ImageFilter.GaussianBlur(BLUR_RADIUS))
    return lambda picture: picture
