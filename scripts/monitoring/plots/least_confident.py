"""A contact sheet of the images that the model was least sure of."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from scripts.monitoring.gallery import Tile
from scripts.monitoring.plots import style

TILE = 1.3  # inches


@style.styled
def draw(tiles: Sequence[Tile], width: float = style.WIDE) -> Figure:
    """Each image with its label and confidence, the least sure first."""
    if not tiles:
        return style.sentence("No captured images to show.", width)
    columns = max(2, int(width / TILE))
    lines = math.ceil(len(tiles) / columns)
    picture, axes = style.figure(
        width, lines * (width / columns + 0.4), nrows=lines, ncols=columns, squeeze=False
    )
    for place in axes.flat:
        place.set_axis_off()
    for place, tile in zip(axes.flat, tiles, strict=False):
        if tile.image is None:
            place.text(0.5, 0.5, "cannot be\nread again", ha="center", va="center", fontsize=8)
        else:
            place.imshow(np.asarray(tile.image.convert("RGB")), interpolation="nearest")
        title = f"{style.short(tile.label)[:14]}\n{tile.confidence:.3f}"
        place.set_title(title, fontsize=8.5, loc="center")
    return picture
