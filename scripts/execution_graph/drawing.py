"""Boxes, lines and words in units of 1/72 inch, written as SVG or painted as PNG."""

import io
from dataclasses import dataclass
from functools import cache
from html import escape

from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path

Point = tuple[float, float]

FONTS = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', Arial, sans-serif"

DOTS_PER_INCH = 144  # twice the drawing's unit
ANCHORS = {"start": "left", "middle": "center", "end": "right"}


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


def render_svg(drawing: Drawing) -> str:
    """The drawing as an SVG document."""
    size = f"{drawing.width:.0f} {drawing.height:.0f}"
    width, height = size.split()
    marks = "\n".join(_mark(mark) for mark in drawing.marks)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{width}" '
        f'height="{height}" role="img" font-family="{FONTS}">\n'
        f"<title>{_text(drawing.title)}</title>\n<desc>{_text(drawing.description)}</desc>\n"
        f"{marks}\n</svg>\n"
    )


def _mark(mark: Mark) -> str:
    if isinstance(mark, Box):
        title = f"<title>{_text(mark.title)}</title>" if mark.title else ""
        return (
            f'<rect x="{mark.x:.1f}" y="{mark.y:.1f}" width="{mark.width:.1f}" '
            f'height="{mark.height:.1f}" rx="{mark.radius:g}" fill="{mark.fill}" '
            f'stroke="{mark.stroke}" stroke-width="{mark.thickness:g}">{title}</rect>'
        )
    if isinstance(mark, Words):
        weight = ' font-weight="600"' if mark.bold else ""
        return (
            f'<text x="{mark.x:.1f}" y="{mark.y:.1f}" font-size="{mark.size:g}" '
            f'fill="{mark.colour}" text-anchor="{mark.anchor}"{weight}>{_text(mark.text)}</text>'
        )
    return _svg_line(mark)


def _svg_line(line: Line) -> str:
    (x, y), *others = line.points
    down = line.points[-1][1] >= line.points[-2][1]
    path = f"M{x:.1f} {y:.1f}"
    for to_x, to_y in others:
        middle = (y + to_y) / 2
        path += (
            f"V{to_y:.1f}"
            if abs(to_x - x) < 0.05
            else f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"
        )
        x, y = to_x, to_y
    dash = ' stroke-dasharray="5 4"' if line.dashed else ""
    drawn = (
        f'<path d="{path}" fill="none" stroke="{line.stroke}" '
        f'stroke-width="{line.thickness:.1f}"{dash}/>'
    )
    if not line.tip:
        return drawn
    length = tip_length(line.thickness)
    along = length if down else -length
    corners = f"M{x:.1f} {y + along:.1f}l{-length / 2:.1f} {-along:.1f}h{length:.1f}z"
    return f'{drawn}\n<path d="{corners}" fill="{line.stroke}"/>'


def _text(text: str) -> str:
    """Escaped, and without the control characters that XML does not allow."""
    return escape(
        "".join(c if c >= " " or c in "\t\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
    )


def render_png(drawing: Drawing) -> bytes:
    """The drawing as a PNG file of two pixels a unit."""
    figure = Figure(figsize=(drawing.width / 72, drawing.height / 72), dpi=DOTS_PER_INCH)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, drawing.width), ylim=(drawing.height, 0))
    axes.axis("off")
    for order, mark in enumerate(drawing.marks):
        _draw(axes, mark, order)
    buffer = io.BytesIO()
    canvas.print_png(buffer, metadata={"Title": drawing.title})
    return buffer.getvalue()


def _draw(axes, mark, order: int) -> None:
    if isinstance(mark, Box):
        box = FancyBboxPatch(
            (mark.x, mark.y),
            mark.width,
            mark.height,
            boxstyle=f"round,pad=0,rounding_size={min(mark.radius, mark.height / 2)}",
            facecolor=mark.fill,
            edgecolor=mark.stroke,
            linewidth=mark.thickness,
            zorder=order,
        )
        axes.add_patch(box)
    elif isinstance(mark, Words):
        axes.text(
            mark.x,
            mark.y,
            mark.text,
            fontsize=mark.size,
            fontfamily="DejaVu Sans",
            fontweight="bold" if mark.bold else "normal",
            color=mark.colour,
            ha=ANCHORS[mark.anchor],
            va="baseline",
            parse_math=False,
            zorder=order,
        )
    else:
        _png_line(axes, mark, order)


def _png_line(axes, line: Line, order: int) -> None:
    (x, y), *others = line.points
    down = line.points[-1][1] >= line.points[-2][1]
    points, codes = [(x, y)], [Path.MOVETO]
    for to_x, to_y in others:
        middle = (y + to_y) / 2
        points += [(x, middle), (to_x, middle), (to_x, to_y)]
        codes += [Path.CURVE4] * 3
        x, y = to_x, to_y
    axes.add_patch(
        PathPatch(
            Path(points, codes),
            facecolor="none",
            edgecolor=line.stroke,
            linewidth=line.thickness,
            linestyle=(0, (5 / line.thickness, 4 / line.thickness)) if line.dashed else "solid",
            capstyle="butt",
            zorder=order,
        )
    )
    if line.tip:
        length = tip_length(line.thickness)
        corners = [(x, y + (length if down else -length)), (x - length / 2, y), (x + length / 2, y)]
        axes.add_patch(Polygon(corners, facecolor=line.stroke, edgecolor="none", zorder=order))
