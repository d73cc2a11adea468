"""Colours of a photo in sRGB, which the model has learned from and browsers assume."""

import io
from functools import lru_cache
from typing import Any

from PIL import Image

from handlers.image_files import MAX_PROFILE_BYTES

# ICC's name of the colours that a profile is for, and Pillow's.
MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


def to_srgb(image: Image.Image, profile: bytes, is_grey: bool) -> Image.Image:
    """The image, RGB, RGBA or CMYK, as sRGB; as it is where the profile does not fit or is damaged.

    is_grey: whether all of it is grey, as a profile for grey requires.
    """
    if len(profile) > MAX_PROFILE_BYTES:
        return image
    mode, transform = _read_profile(profile)
    if mode is None or (mode == "CMYK") != (image.mode == "CMYK") or (mode == "L" and not is_grey):
        return image
    converted = transform.apply(image.convert(mode))
    if image.mode == "RGBA":
        converted.putalpha(image.getchannel("A"))
    return converted


@lru_cache(4)  # the photos of a batch often come from one camera
def _read_profile(profile: bytes) -> tuple[str | None, Any]:
    """Pillow's mode of the colours that the profile is for, and how they become sRGB."""
    # Imported here as most photos have no profile, and a cold start waits for it.
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = MODES[source.profile.xcolor_space.strip()]
        srgb = ImageCms.createProfile("sRGB")
        # Of the greys of a linear profile lcms's shortcut has dark ones wrong, by up to 10 of 255.
        flags = ImageCms.Flags.NOOPTIMIZE if mode == "L" else ImageCms.Flags.NONE
        return mode, ImageCms.buildTransform(source, srgb, mode, "RGB", flags=flags)
    except (KeyError, OSError, ValueError, ImageCms.PyCMSError):  # browsers ignore it too
        return None, None
