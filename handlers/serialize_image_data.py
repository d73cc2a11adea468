"""S3 object -> `image_data`: a small PNG that the model can take, base64 encoded.

A batch's photos become one array in S3, a claim check, since states are small.
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

# What is wrong with an image rather than with S3: the others of its batch go on without it.
BAD_IMAGE = (
    errors.AccessDenied,
    errors.BucketNotAllowed,
    errors.ImageNotFound,
    errors.ImageTooLarge,
    errors.InvalidImage,
    errors.InvalidInput,
)
# With so few seconds left no photo begins any more: S3 may let one wait for 25 (aws.PATIENCE), and
# the largest takes 5 to decode.
LAST_SECONDS = 25
ROUNDS = 3  # in which a photo that S3 does not give is asked for

# Photos are read side by side and decoded one after another. So at most aws.CONNECTIONS files of
# image_max_bytes are in memory (640 MB), and what one photo takes to decode: each thread that
# decodes keeps that much for itself, so one does. They serve one batch after another.
READING = ThreadPoolExecutor(aws.CONNECTIONS)
DECODING = ThreadPoolExecutor(1)


@log_calls
def handler(event: Any, context: Any) -> dict:
    """`{s3_bucket, s3_key}` -> `{s3_bucket, s3_key, image_data}`; a batch as `serialize_batch`.

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
    """The batch with `pixels`, the place of its good images.

    A bad image has its error, and no pixels; with none but bad ones there are no `pixels`. `left`
    is the number of images that failed of what another call may mend: given its own answer, the
    function tries those alone. Raises InvalidInput, AccessDenied or StorageUnavailable.
    """
    serialize = partial(serialize_item, s3=s3, settings=settings, seconds_left=seconds_left)
    given = batches.items(batch)
    if "left" in batch:
        tried = READING.map(serialize, filter(batches.is_left, given))
        before = _images_before(batch, s3, settings)
        pairs = [next(tried) if batches.is_left(item) else before(item) for item in given]
    else:
        pairs = list(READING.map(serialize, given))
        if all(item.get("error") == errors.StorageUnavailable.__name__ for item, _ in pairs):
            raise errors.StorageUnavailable(f"S3 gives no photo: {pairs[0][0]['cause']}")
    items, images = zip(*pairs, strict=True)
    serialized = {
        **batches.batch_input(batch),
        "Items": list(items),
        "left": sum(map(batches.is_left, items)),
    }
    good = b"".join(filter(None, images))
    if good:
        serialized["pixels"] = claim_check.write(good, s3, settings)
    note(failed=outcomes.count_failed(items))
    return serialized


def serialize_item(
    item: Any, s3: Any, settings: Settings, seconds_left: Callable[[], float]
) -> tuple[dict, bytes | None]:
    """The image's place and its pixels; without pixels, what is wrong with it."""
    place = item
    try:
        place = batches.location(item, settings.own_bucket)
        _check_time(seconds_left)
        photo = read_photo(place, s3, settings)
        return place, DECODING.submit(decode, photo, settings, seconds_left).result()
    except BAD_IMAGE as error:
        return outcomes.failed_row(place, error), None
    except errors.BatchOutOfTime as error:
        return {**outcomes.failed_row(place, error), "left": batches.rounds(item)}, None
    except errors.StorageUnavailable as error:
        failed, rounds = outcomes.failed_row(place, error), batches.rounds(item) + 1
        return {**failed, "left": rounds} if rounds < ROUNDS else failed, None


def decode(photo: bytes, settings: Settings, seconds_left: Callable[[], float]) -> bytes:
    """The photo's pixels. Raises ImageTooLarge, InvalidImage or BatchOutOfTime."""
    _check_time(seconds_left)
    return to_model_pixels(photo, settings.image_size, settings.image_max_pixels)


def _check_time(seconds_left: Callable[[], float]) -> None:
    if seconds_left() < LAST_SECONDS:
        raise errors.BatchOutOfTime(
            "the photos before it took all the time of its batch; a smaller batch_size leaves more"
        )


def _images_before(
    batch: dict, s3: Any, settings: Settings
) -> Callable[[dict], tuple[dict, bytes | None]]:
    """What gives one item after another with its pixels, as the call before left them."""
    images = iter(claim_check.read(batch["pixels"], s3, settings) if "pixels" in batch else ())
    return lambda item: (item, None if outcomes.has_failed(item) else next(images))


def read_photo(place: Any, s3: Any, settings: Settings) -> bytes:
    """The bytes of the object that `place` names by s3_bucket and s3_key.

    Raises InvalidInput, BucketNotAllowed, ImageNotFound, AccessDenied, ImageTooLarge or
    StorageUnavailable.
    """
    bucket, key = events.text(place, "s3_bucket"), events.text(place, "s3_key")
    if bucket not in settings.buckets:
        raise BucketNotAllowed(f"bucket {bucket} is not among those that the service may read")
    return aws.read_object(s3, bucket, key, settings.image_max_bytes)
