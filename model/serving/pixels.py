"""A PNG of the model's own size as pixels. Other photos are decoded in the functions."""

import io
import struct

import numpy as np
from PIL import Image

from .errors import InvalidImage

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# In the header chunk: 8 bits a sample, RGB, the only compression and filters, not interlaced.
FORMAT = (8, 2, 0, 0, 0)


def read_png(body: bytes, side: int) -> np.ndarray:
    """The pixels of an 8-bit RGB PNG, uint8 side x side x 3.

    Raises InvalidImage; for another size or format before anything is decoded. Also for a PNG with
    transparency, orientation or a profile, which would change what it shows.
    """
    wanted = f"send a PNG of {side} x {side} pixels, 8-bit RGB, with nothing but its pixels"
    header = struct.pack(">I4sII5B", 13, b"IHDR", side, side, *FORMAT)
    if not body.startswith(SIGNATURE + header):
        raise InvalidImage(f"the body is not such an image; {wanted}")
    try:
        with Image.open(io.BytesIO(body), formats=["PNG"]) as image:
            # A second header, which Pillow would follow, may say otherwise.
            if (image.size, image.mode) != ((side, side), "RGB"):
                raise InvalidImage(f"the PNG has two headers; {wanted}")
            pixels, more = np.asarray(image), image.info
    except InvalidImage:
        raise
    except Exception as error:  # Pillow's decoders raise many classes on broken bytes
        raise InvalidImage(f"the PNG is broken or cut off; {wanted}") from error
    if more:
        raise InvalidImage(f"the PNG holds more than its pixels; {wanted}")
    return pixels
