"""A photo's bytes from S3, if the service may read it."""

from typing import Any

from handlers import aws, events
from handlers.errors import BucketNotAllowed
from handlers.settings import Settings


def read(place: Any, s3: Any, settings: Settings) -> bytes:
    """The bytes of the object that `place` names by s3_bucket and s3_key.

    Raises InvalidInput, BucketNotAllowed, ImageNotFound, AccessDenied, ImageTooLarge or
    StorageUnavailable.
    """
    bucket, key = events.text(place, "s3_bucket"), events.text(place, "s3_key")
    if bucket not in settings.buckets:
        raise BucketNotAllowed(f"bucket {bucket} is not among those that the service may read")
    return aws.read_object(s3, bucket, key, settings.image_max_bytes)
