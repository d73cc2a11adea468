"""The inference ids that captures and ground truth know images by: at most 64 characters."""

import hashlib

DIGITS = 32


def of_image(bucket: str, key: str) -> str:
    """The id of a call for one image: 32 hexadecimal digits of the SHA-256 of `s3://bucket/key`."""
    return hashlib.sha256(f"s3://{bucket}/{key}".encode()).hexdigest()[:DIGITS]


def of_call(pixels_digest: str, first: int) -> str:
    """The id of a call for many images, of which the first is the claim check's `first`-th."""
    return f"{pixels_digest[:DIGITS]}-{first}"


def of_member(call: str, position: int) -> str:
    """The id of the `position`-th image, counted from 0, of a call for many."""
    return f"{call}/{position}"
