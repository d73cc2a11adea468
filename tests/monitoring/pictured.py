"""What the tests of the pictures share."""

import numpy as np
from matplotlib.text import Text
from PIL import Image


def words(figure) -> str:
    """All text of a figure that is to be seen, a line a piece; drawn first, as a reader has it."""
    figure.draw_without_rendering()
    found = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
    return "\n".join(text.get_text() for text in found)


def read_image(file: str, line: int, position: int) -> Image.Image:
    """A grey picture for each line; each seventh cannot be read."""
    if line % 7 == 0:
        raise ValueError("the line is cut")
    return Image.fromarray(np.full((32, 32, 3), line % 256, np.uint8))
