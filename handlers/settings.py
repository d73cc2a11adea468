"""The functions' configuration, read from the environment once."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """The functions' settings, from the environment that serverless.yml gives them.

    buckets: those that photos may be read from, `own_bucket` too; image_size: pixels a side;
    image_max_bytes, image_max_pixels: of a photo; threshold: a photo goes to review if its
    confidence, 0 to 1, is lower.
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
