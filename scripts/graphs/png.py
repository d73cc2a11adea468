"""A drawing as PNG, painted by matplotlib."""

import io

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path

from scripts.graphs.marks import Box, Drawing, Line, Words, tip_length

DOTS_PER_INCH = 144  # twice the drawing's unit
ANCHORS = {"start": "left", "middle": "center", "end": "right"}


def render(drawing: Drawing) -> bytes:
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
        _line(axes, mark, order)


def _line(axes, line: Line, order: int) -> None:
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
