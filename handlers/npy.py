"""Pixels of many images as one array: NumPy's npy format, without NumPy.

The functions need only its header, and importing NumPy would double their cold start.
Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, version 1.0.
"""

from collections.abc import Iterator

MAGIC = b"\x93NUMPY\x01\x00"
HEADER_BYTES = 128  # The format asks for a multiple of 64.


def encode(pixels: bytes, size: int) -> bytes:
    """The array uint8 N x size x size x 3 of these pixels, image by image and row by row."""
    shape = (len(pixels) // (size * size * 3), size, size, 3)
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    length = HEADER_BYTES - len(MAGIC) - 2
    start = MAGIC + length.to_bytes(2, "little") + header.ljust(length - 1).encode() + b"\n"
    return start + pixels


def images(array: bytes, size: int) -> list[bytes]:
    """The pixels of each image in an array by `encode`. Raises ValueError for anything else."""
    image_bytes = size * size * 3
    count, rest = divmod(len(array) - HEADER_BYTES, image_bytes)
    if array[: len(MAGIC)] != MAGIC or count < 1 or rest:
        raise ValueError(f"{len(array)} bytes are no array of {size} x {size} images")
    begins = range(HEADER_BYTES, len(array), image_bytes)
    return [array[begin : begin + image_bytes] for begin in begins]


def parts(images: list[bytes], size: int, max_bytes: int) -> Iterator[tuple[int, int, bytes]]:
    """The images as arrays of at most `max_bytes`: first image, count, array.

    Raises ValueError if not even one image fits into `max_bytes`.
    """
    fit = (max_bytes - HEADER_BYTES) // (size * size * 3)
    if fit < 1:
        raise ValueError(f"an image of {size} x {size} pixels does not fit into {max_bytes} bytes")
    for first in range(0, len(images), fit):
        part = images[first : first + fit]
        yield first, len(part), encode(b"".join(part), size)
