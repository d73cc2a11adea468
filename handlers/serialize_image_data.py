"""S3 object -> `image_data`: a small PNG that the model can take, base64 encoded."""

import base64
import os
from typing import Any

from handlers import aws, events, image
from handlers.errors import BucketNotAllowed
from handlers.logs import logged
from handlers.settings import Settings

SETTINGS = Settings.of(os.environ)
S3 = aws.s3()


@logged
def handler(event: Any, context: Any) -> dict:
    """`{s3_bucket, s3_key}` -> `{s3_bucket, s3_key, image_data}`.

    Raises InvalidInput, BucketNotAllowed, ImageNotFound, AccessDenied, ImageTooLarge, InvalidImage
    or StorageUnavailable.
    """
    bucket, key = events.text(event, "s3_bucket"), events.text(event, "s3_key")
    if bucket not in SETTINGS.buckets:
        raise BucketNotAllowed(f"bucket {bucket} is not among those that the service may read")
    photo = aws.read_object(S3, bucket, key, SETTINGS.image_max_bytes)
    png = image.to_model_input(photo, SETTINGS.image_size, SETTINGS.image_max_pixels)
    return {"s3_bucket": bucket, "s3_key": key, "image_data": base64.b64encode(png).decode()}
