"""The functions' configuration, read from the environment once."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """What serverless.yml gives the functions.

    `buckets`, of which `own_bucket` is one, may be read from, `image_size` is pixels a side,
    `image_max_bytes` and `image_max_pixels` bound a photo, `threshold` (0 to 1) is the confidence
    below which an image goes to review.
    """

    own_bucket: str
    buckets: frozenset[str]
    image_size: int
    image_max_bytes: int
    image_max_pixels: int
    endpoint_name: str
    threshold: float

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> "Settings":
        """Settings from environment variables; KeyError names one that is missing."""
        own_bucket = environment["BUCKET_NAME"]
        buckets = [own_bucket, *environment["EXTRA_BUCKETS"].split(",")]
        return cls(
            own_bucket=own_bucket,
            buckets=frozenset(filter(None, buckets)),
            image_size=int(environment["IMAGE_SIZE"]),
            image_max_bytes=int(environment["IMAGE_MAX_BYTES"]),
            image_max_pixels=int(environment["IMAGE_MAX_PIXELS"]),
            endpoint_name=environment["ENDPOINT_NAME"],
            threshold=float(environment["THRESHOLD"]),
        )
