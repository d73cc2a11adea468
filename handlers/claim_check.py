"""The pixels of a batch as one array in S3, a claim check, as states are small.

The array is uint8 N x size x size x 3 with the batch's N good images, in their order.
"""

import hashlib
from typing import Any

from handlers import aws, events, npy
from handlers.errors import InvalidInput
from handlers.settings import Settings

PREFIX = "bulk/pixels/"  # plugins/retention.js: objects expire after a day
MAX_ARRAY_BYTES = 200_000_000  # of classifyImage's 512 MB


def write(pixels: bytes, s3: Any, settings: Settings) -> dict:
    """Write the array with these pixels; the place, `{s3_bucket, s3_key}`, comes back.

    The key is the array's digest: no other batch can change the object. Raises AccessDenied or
    StorageUnavailable.
    """
    array = npy.encode(pixels, settings.image_size)
    key = f"{PREFIX}{hashlib.sha256(array).hexdigest()}.npy"
    aws.write_object(s3, settings.own_bucket, key, array)
    return {"s3_bucket": settings.own_bucket, "s3_key": key}


def read(place: Any, s3: Any, settings: Settings) -> list[bytes]:
    """The pixels of each image in the array at that place.

    Raises the errors of `aws.read_object`, and InvalidInput for a wrong place or object.
    """
    bucket, key = events.text(place, "s3_bucket"), events.text(place, "s3_key")
    array = aws.read_object(s3, bucket, key, MAX_ARRAY_BYTES)
    try:
        return npy.images(array, settings.image_size)
    except ValueError as error:
        raise InvalidInput(f"s3://{bucket}/{key}: {error}") from error
