"""The photos that the model was least sure of, read again from where they were captured."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pandas as pd
from PIL import Image

from monitoring.captures import parse
from monitoring.files import connect, read_lines

SHOWN = 30

ReadImage = Callable[[str, int, int], Image.Image]


class Tile(NamedTuple):
    """One photo of the gallery and its row; `image` is None where `problem` says why."""

    row: Any  # as DataFrame.itertuples gives it
    image: Image.Image | None
    problem: str = ""


def least_confident(frame: pd.DataFrame, read_image: ReadImage, count: int = SHOWN) -> list[Tile]:
    """Return the `count` captured photos of lowest confidence, each photo once, lowest first."""
    chosen = frame.sort_values("confidence", kind="stable").drop_duplicates("image_id")
    tiles = []
    for row in chosen.head(count).itertuples():
        try:
            tiles.append(Tile(row, read_image(row.file, row.line, row.position)))
        except (OSError, ValueError) as error:
            tiles.append(Tile(row, None, str(error)))
    return tiles


def image_reader(source: str) -> ReadImage:
    """Return a function that gives the RGB image of a row's `file`, `line` and `position`.

    source: where captures were loaded from. The function raises OSError for a file that is gone,
    and ValueError where no photo is there.
    """
    s3 = connect(source)

    def read_image(file: str, line: int, position: int) -> Image.Image:
        for number, data in read_lines(file, s3):
            if number == line:
                return Image.fromarray(parse(data).pixels[position])
        raise ValueError(f"{file} has no line {line}")

    return read_image
