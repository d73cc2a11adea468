"""S3 object -> `image_data`, a small PNG that the model takes, base64 encoded.

The photos of a batch become one array in S3, a claim check, as states are small.
"""

import base64
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from handlers import aws, batches, claim_check, errors, events, outcomes
from handlers.errors import BucketNotAllowed
from handlers.logs import log_calls, note
from handlers.photo import to_model_input, to_model_pixels
from handlers.settings import Settings

SETTINGS = Settings.from_env(os.environ)
S3 = aws.s3()

# Errors of a photo rather than of S3: the rest of its batch goes on without it.
BAD_PHOTO = (
    errors.AccessDenied,
    errors.BucketNotAllowed,
    errors.ImageNotFound,
    errors.ImageTooLarge,
    errors.InvalidImage,
    errors.InvalidInput,
)
# Reading and decoding a photo each begin with at least so many seconds left: a call of S3 may take
# 25 s (aws.CLIENT_CONFIG), decoding the largest takes 5 s.
LAST_SECONDS = 25
TRIES = 3  # of a photo that S3 does not give

# Many threads read and one decodes: in memory are at most aws.CONNECTIONS files of image_max_bytes
# (640 MB), and one photo's pixels, for which each thread that decodes would keep its memory.
READING = ThreadPoolExecutor(aws.CONNECTIONS)
DECODING = ThreadPoolExecutor(1)


@log_calls
def handler(event: Any, context: Any) -> dict:
    """`{s3_bucket, s3_key}` -> `{s3_bucket, s3_key, image_data}`; a batch as in `serialize_batch`.

    Raises InvalidInput, BucketNotAllowed, ImageNotFound, AccessDenied, ImageTooLarge, InvalidImage
    or StorageUnavailable.
    """
    if batches.is_batch(event):
        return serialize_batch(
            event, S3, SETTINGS, lambda: context.get_remaining_time_in_millis() / 1000
        )
    photo = read_photo(event, S3, SETTINGS)
    png = to_model_input(photo, SETTINGS.image_size, SETTINGS.image_max_pixels)
    return {
        "s3_bucket": event["s3_bucket"],
        "s3_key": event["s3_key"],
        "image_data": base64.b64encode(png).decode(),
    }


def serialize_batch(
    batch: dict, s3: Any, settings: Settings, seconds_left: Callable[[], float]
) -> dict:
    """The batch with `pixels`, the place of its good photos; without good photos there is none.

    A bad photo has its error and no pixels. `left` is the number of failed photos for which another
    call may succeed: called with its own answer, the function tries these alone. Raises
    InvalidInput, AccessDenied or StorageUnavailable.
    """
    serialize = partial(serialize_item, s3=s3, settings=settings, seconds_left=seconds_left)
    items = batches.items(batch)
    if "left" in batch:
        tries = READING.map(serialize, [item for item in items if "left" in item])
        images = iter(claim_check.read(batch["pixels"], s3, settings) if "pixels" in batch else ())
        pairs = []
        for item in items:
            if "left" in item:
                pairs.append(next(tries))
            else:
                pairs.append((item, None if outcomes.has_failed(item) else next(images)))
    else:
        pairs = list(READING.map(serialize, items))
        if all(item.get("error") == errors.StorageUnavailable.__name__ for item, _ in pairs):
            raise errors.StorageUnavailable(f"S3 gives no photo: {pairs[0][0]['cause']}")
    items = [item for item, _ in pairs]
    serialized = {
        **batches.batch_input(batch),
        "Items": items,
        "left": sum("left" in item for item in items),
    }
    pixels = b"".join(image for _, image in pairs if image)
    if pixels:
        serialized["pixels"] = claim_check.write(pixels, s3, settings)
    note(failed=outcomes.count_failed(items))
    return serialized


def serialize_item(
    item: Any, s3: Any, settings: Settings, seconds_left: Callable[[], float]
) -> tuple[dict, bytes | None]:
    """The item with the photo's place, and its pixels; or with its error, and None."""
    place = item
    try:
        place = batches.location(item, settings.own_bucket)
        _check_time(seconds_left)
        photo = read_photo(place, s3, settings)
        return place, DECODING.submit(decode, photo, settings, seconds_left).result()
    except BAD_PHOTO as error:
        return outcomes.failed_row(place, error), None
    except errors.BatchOutOfTime as error:
        return {**outcomes.failed_row(place, error), "left": item.get("left", 0)}, None
    except errors.StorageUnavailable as error:
        failed, tries = outcomes.failed_row(place, error), item.get("left", 0) + 1
        return {**failed, "left": tries} if tries < TRIES else failed, None


def decode(photo: bytes, settings: Settings, seconds_left: Callable[[], float]) -> bytes:
    """The photo's pixels. Raises ImageTooLarge, InvalidImage or BatchOutOfTime."""
    _check_time(seconds_left)
    return to_model_pixels(photo, settings.image_size, settings.image_max_pixels)


def _check_time(seconds_left: Callable[[], float]) -> None:
    if seconds_left() < LAST_SECONDS:
        raise errors.BatchOutOfTime(
            "the photos before it took all the time of its batch; a smaller batch_size leaves more"
        )


def read_photo(place: Any, s3: Any, settings: Settings) -> bytes:
    """The bytes of the object at a place, `{s3_bucket, s3_key}`.

    Raises InvalidInput, BucketNotAllowed, ImageNotFound, AccessDenied, ImageTooLarge or
    StorageUnavailable.
    """
    bucket, key = events.text(place, "s3_bucket"), events.text(place, "s3_key")
    if bucket not in settings.buckets:
        raise BucketNotAllowed(f"bucket {bucket} is not among those that the service may read")
    return aws.read_object(s3, bucket, key, settings.image_max_bytes)
