"""The images that the model was least sure of, read again from where they were captured."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pandas as pd
from PIL import Image

from monitoring.captures import RecordError, parse
from monitoring.files import connect, open_file, read_lines
from monitoring.table import FEATURES

SHOWN = 30

ReadImage = Callable[[str, int, int], Image.Image]


class Tile(NamedTuple):
    """One image of the gallery and its row; `image` is None where `problem` says why."""

    row: Any  # as DataFrame.itertuples gives it
    image: Image.Image | None
    problem: str = ""


def least_confident(frame: pd.DataFrame, read_image: ReadImage, count: int = SHOWN) -> list[Tile]:
    """Return the `count` captured images of lowest confidence, each image once, lowest first.

    `read_image(file, line, position)` returns the image or raises ValueError or OSError.
    """
    pictured = frame[frame[FEATURES[0]].notna()]
    chosen = pictured.sort_values("confidence", kind="stable").drop_duplicates("image_id")
    tiles = []
    for row in chosen.head(count).itertuples():
        try:
            tiles.append(Tile(row, read_image(row.file, row.line, row.position)))
        except (OSError, ValueError) as error:
            tiles.append(Tile(row, None, str(error) or type(error).__name__))
    return tiles


def image_reader(
    source: str, side: int | None = None, connect: Callable[[str], Any] = connect
) -> ReadImage:
    """Return what gives the RGB image of a row's `file`, `line` and `position` in the source.

    side: of the images in pixels (default: config.yml's). connect: makes the S3 client that reads
    the source. It raises OSError for a file that is gone, and ValueError where no image is in that
    place.
    """
    s3 = connect(source)

    def read_image(file: str, line: int, position: int) -> Image.Image:
        with open_file(file, s3) as stream:
            for number, data, _ in read_lines(stream):
                if number == line:
                    return _read_image(data, position, side)
        raise ValueError(f"{file} has no line {line}")

    return read_image


def _read_image(line: bytes, position: int, side: int | None) -> Image.Image:
    try:
        pixels = parse(line, side).pixels
    except RecordError as error:
        raise ValueError(str(error)) from error
    if pixels is None or position >= len(pixels):
        raise ValueError("there is no image in this place")
    return Image.fromarray(pixels[position])
