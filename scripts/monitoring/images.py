"""What went into a model, as pixels: a PNG, JPEG or WebP, or an npy array of many images."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from model.serving.errors import InvalidArray, InvalidImage
from model.serving.formats import NPY, read_npy
from model.serving.pixels import FORMATS, MAX_PIXELS, to_eight_bits, to_pixels
from scripts.monitoring.records import Payload, RecordError

# The last is what SageMaker's built-in image classification calls all of its images.
PHOTOS = {*FORMATS, "image/jpg", "application/x-image"}

# A larger image's features are those of its reduction to this: above, they only cost time.
FEATURE_SIDE = 1024


@dataclass(frozen=True, slots=True)
class Images:
    """The images of one request.

    pixels: uint8 N x H x W x 3, which features are computed from. width, height: as captured.
    model_input: what the model saw of them, uint8 N x S x S x 3, if it was asked for.
    """

    pixels: np.ndarray
    width: int
    height: int
    model_input: np.ndarray | None


def is_array(payload: Payload | None) -> bool:
    """Whether a request holds many images, which are numbered."""
    return payload is not None and payload.media_type == NPY


def read_images(payload: Payload | None, side: int | None) -> Images | None:
    """Decode a request's images, also to `side` pixels as the endpoint does, unless it is None.

    Returns None for a request of another type. Raises RecordError for an image that is broken.
    """
    if payload is None:
        return None
    if is_array(payload):
        return _array(payload.data, side)
    if payload.media_type in PHOTOS:
        return _photo(payload.data, side)
    return None


def _array(data: bytes, side: int | None) -> Images | None:
    try:
        array = read_npy(data)
    except InvalidArray as error:
        raise RecordError(f"the input is broken npy: {error}") from None
    if array.dtype != np.uint8 or array.ndim != 4 or array.shape[3] != 3 or not array.size:
        return None  # numbers of another kind
    height, width = array.shape[1:3]
    return Images(array, width, height, _resized(array, side))


def _resized(array: np.ndarray, side: int | None) -> np.ndarray | None:
    if side is None or array.shape[1:3] == (side, side):
        return None if side is None else array
    return np.stack([to_pixels(Image.fromarray(image), side) for image in array])


def _photo(data: bytes, side: int | None) -> Images:
    image = _open(data)
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise RecordError(f"the image has {width} x {height} pixels, more than {MAX_PIXELS:,}")
    try:
        pixels = _flat(image)
        if side is None:
            seen = None
        elif (width, height) == (side, side) and image.mode == "RGB" and not image.getexif():
            seen = pixels
        else:
            seen = to_pixels(_open(data), side)[None]
    except InvalidImage as error:
        raise RecordError(str(error)) from None
    except Exception:  # Pillow's decoders raise many classes on broken bytes
        raise RecordError("the image is broken or cut off") from None
    return Images(pixels, width, height, seen)


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=tuple(FORMATS.values()))
    except Exception:  # as above
        raise RecordError("the image is not a PNG, JPEG or WebP that can be read") from None


def _flat(image: Image.Image) -> np.ndarray:
    """Pixels uint8 1 x H x W x 3, white where the image is transparent, FEATURE_SIDE at most."""
    image.draft(None, (FEATURE_SIDE, FEATURE_SIDE))
    if image.mode != "RGB" or image.has_transparency_data:
        image = to_eight_bits(image)
    if max(image.size) > FEATURE_SIDE:
        image.thumbnail((FEATURE_SIDE, FEATURE_SIDE), Image.Resampling.BOX)
    if image.mode == "RGBA":
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=image.getchannel("A"))
        image = white
    return np.asarray(image)[None]
