"""A drawing as SVG: text that can be selected, no fonts inside, titles where a pointer rests."""

from html import escape

from scripts.graphs.marks import Box, Drawing, Line, Mark, Words, tip_length

FONTS = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', Arial, sans-serif"


def render(drawing: Drawing) -> str:
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
    return _line(mark)


def _line(line: Line) -> str:
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
