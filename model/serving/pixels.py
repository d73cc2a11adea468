"""Any permitted photo as the pixels that the model takes."""

import io

import numpy as np
from PIL import Image, ImageOps

from .errors import ImageTooLarge, InvalidImage

MAX_PIXELS = 50_000_000
FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}

# Pillow's own limit would come as a warning, or as an error of another name.
Image.MAX_IMAGE_PIXELS = None

ORIENTATION = 0x0112  # the EXIF tag
TURNED = range(2, 9)  # its values of an image that does not lie upright

# 16 bits to 8, rounded: 65535 becomes 255.
SIXTEEN_TO_EIGHT = [(level + 128) // 257 for level in range(65536)]


def open_image(body: bytes, media_type: str) -> Image.Image:
    """Read the header of an image of that type and no other; the pixels are decoded later.

    Raises InvalidImage, or ImageTooLarge above MAX_PIXELS.
    """
    if not body:
        raise InvalidImage("the body is empty")
    name = FORMATS[media_type]
    try:
        image = Image.open(io.BytesIO(body), formats=[name])
    except Exception as error:  # Pillow's decoders raise many classes on broken bytes
        raise InvalidImage(f"the body is not a {name} image that can be read") from error
    if image.width * image.height > MAX_PIXELS:
        raise ImageTooLarge(
            f"the image has {image.width} x {image.height} pixels, more than {MAX_PIXELS:,}"
        )
    return image


def to_pixels(image: Image.Image, side: int) -> np.ndarray:
    """Decode to uint8 side x side x 3: RGB, upright, white where the image is transparent.

    The picture is squeezed to a square, antialiased. An RGB image of side x side pixels comes back
    as it is. Raises InvalidImage.
    """
    try:
        # A JPEG may be decoded at a fraction of its size; this leaves enough for the antialiasing.
        image.draft(None, (4 * side, 4 * side))
        small = to_eight_bits(image).resize((side, side), Image.Resampling.LANCZOS)
    except Exception as error:  # as above
        raise InvalidImage(f"the {image.format} image is broken or cut off") from error
    if orientation(image) in TURNED:
        small = ImageOps.exif_transpose(small)
    if small.mode == "RGBA":
        white = Image.new("RGB", small.size, "white")
        white.paste(small, mask=small.getchannel("A"))
        small = white
    return np.asarray(small)


def to_eight_bits(image: Image.Image) -> Image.Image:
    """The image as RGB, or as RGBA where parts of it may be transparent."""
    if not image.mode.startswith("I"):
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    # 16-bit grey, which convert() would clip at 255 rather than scale.
    levels = SIXTEEN_TO_EIGHT.copy()
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        levels[transparent] = 255
    return image.convert("I").point(levels, "L").convert("RGB")


def orientation(image: Image.Image) -> int | None:
    """What the EXIF data says of how the image lies; data that cannot be read says nothing."""
    try:
        return image.getexif().get(ORIENTATION)
    except Exception:
        return None
