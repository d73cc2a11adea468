"""A drawing surface with smooth edges, measured in units of the picture's side."""

from collections.abc import Sequence

from PIL import Image, ImageDraw

SIDE = 128  # pixels a side of every picture that the generator makes
OVERSAMPLING = 3

Colour = tuple[int, int, int]
Point = tuple[float, float]


class Canvas:
    """Draws at three times the size and shrinks at the end.

    `anchor` is where (0, 0) lies, `scale` how long a unit is in sides of the picture; x grows to
    the right, or to the left where `mirrored`, and y grows upwards.
    """

    def __init__(self):
        self._side = SIDE * OVERSAMPLING
        self._image = Image.new("RGB", (self._side, self._side))
        self._pen = ImageDraw.Draw(self._image)
        self.place((0, 0), 1)

    def place(self, anchor: Point, scale: float, mirrored: bool = False) -> None:
        """Let what follows be drawn elsewhere, larger or smaller."""
        self._anchor, self._scale, self._direction = anchor, scale, -1 if mirrored else 1

    def line(self, points: Sequence[Point], colour: Colour, width: float) -> None:
        """Draw a line with round joints, `width` units wide."""
        pixels = max(1, round(width * self._scale * self._side))
        self._pen.line([self._pixel(point) for point in points], colour, pixels, joint="curve")

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """Fill a polygon."""
        self._pen.polygon([self._pixel(point) for point in points], colour)

    def box(self, left: float, bottom: float, right: float, top: float, colour: Colour) -> None:
        """Fill a rectangle."""
        self.polygon([(left, bottom), (right, bottom), (right, top), (left, top)], colour)

    def disc(self, centre: Point, radius: float, colour: Colour, flat: float = 1) -> None:
        """Fill a circle, or an ellipse `flat` times as high as it is wide."""
        self._pen.ellipse(self._bounds(centre, radius, flat), colour)

    def ring(self, centre: Point, radius: float, colour: Colour, width: float) -> None:
        """Draw a circle whose line, `width` units wide, lies within the radius."""
        pixels = max(1, round(width * self._scale * self._side))
        self._pen.ellipse(self._bounds(centre, radius), outline=colour, width=pixels)

    def finished(self) -> Image.Image:
        """Return the picture, RGB, SIDE x SIDE."""
        return self._image.reduce(OVERSAMPLING)

    def _pixel(self, point: Point) -> Point:
        x = self._anchor[0] + self._direction * point[0] * self._scale
        y = self._anchor[1] + point[1] * self._scale
        return x * self._side, (1 - y) * self._side

    def _bounds(self, centre: Point, radius: float, flat: float = 1) -> list[float]:
        x, y = self._pixel(centre)
        wide = radius * self._scale * self._side
        return [x - wide, y - wide * flat, x + wide, y + wide * flat]
