"""What a picture consists of: boxes, lines and words, in units of 1/72 inch from the top left."""

from dataclasses import dataclass
from functools import cache

from matplotlib import font_manager

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle with round corners. `title` shows when a pointer rests on it (in SVG)."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    stroke: str = "none"
    radius: float = 8
    thickness: float = 1
    title: str = ""


@dataclass(frozen=True)
class Line:
    """Through all points: straight where they are above each other, else a curve that leaves and
    arrives upright. With a tip, it ends in an arrow.
    """

    points: tuple[Point, ...]
    stroke: str
    thickness: float
    dashed: bool = False
    tip: bool = True


@dataclass(frozen=True)
class Words:
    """A line of text on the base line `y`; `anchor` is start, middle or end."""

    x: float
    y: float
    text: str
    size: float = 12
    colour: str = "#1f2328"
    bold: bool = False
    anchor: str = "start"


Mark = Box | Line | Words


@dataclass(frozen=True)
class Drawing:
    """Marks, the lowest first, on a canvas. `title` and `description` are for who cannot see it."""

    width: float
    height: float
    marks: tuple[Mark, ...]
    title: str
    description: str


@cache
def width(text: str, size: float, bold: bool = False) -> float:
    """How wide the text is in DejaVu Sans, which is wider than what browsers would take."""
    name = font_manager.FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
    font = font_manager.get_font(font_manager.findfont(name))
    font.set_size(size, 72)
    font.set_text(text)
    return font.get_width_height()[0] / 64


def shorten(text: str, most: float, size: float, bold: bool = False) -> str:
    """The text, or as much of its beginning as fits into that width, and an ellipsis."""
    if width(text, size, bold) <= most:
        return text
    while text and width(f"{text}…", size, bold) > most:
        text = text[:-1]
    return f"{text}…"


def tip_length(thickness: float) -> float:
    """How long the arrow's tip is."""
    return 6 + thickness
