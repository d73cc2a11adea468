"""The images that the model was least sure of, read again from where they were captured."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from PIL import Image

from monitoring.records import RecordError, parse, read_images
from monitoring.sources import read_lines, source_of

SHOWN = 30
SIDE = 128  # pixels: a larger image is made smaller, for the report's sake

ReadImage = Callable[[str, int, int], Image.Image]


@dataclass(frozen=True)
class Tile:
    """One image of the gallery; `image` is None where `problem` says why it is not there."""

    label: str
    confidence: float
    time: datetime
    image_id: str
    file: str
    line: int
    image: Image.Image | None
    problem: str = ""


def least_confident(frame: pd.DataFrame, read_image: ReadImage, count: int = SHOWN) -> list[Tile]:
    """Return the `count` captured images of lowest confidence, each image once, lowest first.

    `read_image(file, line, position)` returns the image or raises ValueError or OSError.
    """
    pictured = frame[frame["width"].notna()]
    chosen = pictured.sort_values("confidence", kind="stable").drop_duplicates("image_id")
    return [_tile(row, read_image) for row in chosen.head(count).itertuples()]


def _tile(row, read_image: ReadImage) -> Tile:
    image, problem = None, ""
    try:
        image = read_image(str(row.file), int(row.line), int(row.position)).convert("RGB")
        image.thumbnail((SIDE, SIDE))
    except (OSError, ValueError) as error:
        image, problem = None, str(error) or type(error).__name__
    return Tile(
        label=str(row.label),
        confidence=float(row.confidence),
        time=row.time.to_pydatetime(),
        image_id=str(row.image_id),
        file=str(row.file),
        line=int(row.line),
        image=image,
        problem=problem,
    )


def image_reader(source: str) -> Callable[[str, int, int], Image.Image]:
    """Return what gives the image of a row's `file`, `line` and `position` in the source.

    It raises OSError for a file that is gone, and ValueError where no image is in that place.
    """
    open_file = source_of(source).opener()

    def read(file: str, line: int, position: int) -> Image.Image:
        with open_file(file) as stream:
            for number, data, _ in read_lines(stream):
                if number == line:
                    return _image(data, position)
        raise ValueError(f"{file} has no line {line}")

    return read


def _image(line: bytes, position: int) -> Image.Image:
    try:
        images = read_images(parse(line).asked, None)
    except RecordError as error:
        raise ValueError(str(error)) from error
    if images is None or position >= len(images.pixels):
        raise ValueError("there is no image in this place")
    return Image.fromarray(images.pixels[position])
