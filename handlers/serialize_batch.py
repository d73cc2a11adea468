"""A batch's photos -> their pixels, as one array in S3: a claim check, since states are small."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from handlers import aws, batches, errors, image, npy, photos
from handlers.settings import Settings

PREFIX = "bulk/pixels/"

# What is wrong with an image rather than with S3: the others of its batch go on without it.
BAD_IMAGE = (
    errors.AccessDenied,
    errors.BucketNotAllowed,
    errors.ImageNotFound,
    errors.ImageTooLarge,
    errors.InvalidImage,
    errors.InvalidInput,
)

# Photos are read side by side and decoded one after another. So at most aws.CONNECTIONS files of
# image_max_bytes are in memory (640 MB), and what one photo takes to decode.
READING = ThreadPoolExecutor(aws.CONNECTIONS)  # whose threads serve one batch after another
DECODING = threading.Lock()


def serialize_batch(batch: dict, s3: Any, settings: Settings) -> dict:
    """The batch with `pixels`, the place of uint8 N x size x size x 3 with its N good images.

    A bad image has its error, and no pixels; with none but bad ones there are no `pixels`. The
    array's key is its own digest: the same batch makes the same object, and no other batch can
    change it. Raises InvalidInput, AccessDenied or StorageUnavailable.
    """
    serialize = partial(serialize_item, s3=s3, settings=settings)
    items, images = zip(*READING.map(serialize, batches.items(batch)), strict=True)
    serialized = {**batch, "Items": list(items)}
    pixels = b"".join(filter(None, images))
    if not pixels:
        return serialized
    array = npy.encode(pixels, settings.image_size)
    key = f"{PREFIX}{hashlib.sha256(array).hexdigest()}.npy"
    aws.write_object(s3, settings.own_bucket, key, array)
    return {**serialized, "pixels": {"s3_bucket": settings.own_bucket, "s3_key": key}}


def serialize_item(item: Any, s3: Any, settings: Settings) -> tuple[dict, bytes | None]:
    """The image's place and its pixels; without pixels, what is wrong with it."""
    place = item
    try:
        place = batches.location(item, settings.own_bucket)
        photo = photos.read(place, s3, settings)
        with DECODING:
            return place, image.to_pixels(photo, settings.image_size, settings.image_max_pixels)
    except BAD_IMAGE as error:
        return batches.failed(place, error), None
