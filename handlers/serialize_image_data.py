"""S3 object -> `image_data`: a small PNG that the model can take, base64 encoded."""

import base64
import os
from typing import Any

from handlers import aws, batches, image, photos
from handlers.logs import logged
from handlers.serialize_batch import serialize_batch
from handlers.settings import Settings

SETTINGS = Settings.of(os.environ)
S3 = aws.s3()


@logged
def handler(event: Any, context: Any) -> dict:
    """`{s3_bucket, s3_key}` -> `{s3_bucket, s3_key, image_data}`; a batch as `serialize_batch`.

    Raises InvalidInput, BucketNotAllowed, ImageNotFound, AccessDenied, ImageTooLarge, InvalidImage
    or StorageUnavailable.
    """
    if batches.is_batch(event):
        return serialize_batch(
            event, S3, SETTINGS, lambda: context.get_remaining_time_in_millis() / 1000
        )
    photo = photos.read(event, S3, SETTINGS)
    png = image.to_model_input(photo, SETTINGS.image_size, SETTINGS.image_max_pixels)
    return {
        "s3_bucket": event["s3_bucket"],
        "s3_key": event["s3_key"],
        "image_data": base64.b64encode(png).decode(),
    }
