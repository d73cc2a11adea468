"""An image of the table, read again from where it was captured."""

from collections.abc import Callable

from PIL import Image

from scripts.monitoring.images import read_images
from scripts.monitoring.lines import read_lines
from scripts.monitoring.records import RecordError, parse
from scripts.monitoring.sources import source_of


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
