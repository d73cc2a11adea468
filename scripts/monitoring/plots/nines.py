"""The scale of confidence: each step up is ten times less doubt (0.9, 0.99, 0.999).

On a plain axis all that matters, the threshold included, lies in the last few per cent.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.scale import FuncScale
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

SUREST = 0.9999  # what is surer is drawn here
TICKS = (0.0, 0.5, 0.9, 0.99, 0.999, SUREST)


def clipped(confidence: np.ndarray) -> np.ndarray:
    """Return confidences as they can be drawn, float64, between 0 and SUREST."""
    return np.clip(np.asarray(confidence, float), 0.0, SUREST)


def apply(axes: Axes, name: str, lowest: float) -> None:
    """Give the axis `name`, x or y, this scale, from below the lowest confidence up to SUREST."""
    axes.set(**{f"{name}scale": FuncScale(axes, (_doubt, _confidence))})
    low = max(0.0, float(_confidence(_doubt(min(lowest, 0.9)) - 0.06)))
    axes.set(**{f"{name}lim": (low, float(_confidence(_doubt(SUREST) + 0.12)))})
    axis = {"x": axes.xaxis, "y": axes.yaxis}[name]
    axis.set_major_locator(FixedLocator(TICKS))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))


def _doubt(confidence):
    return -np.log10(np.clip(1 - np.asarray(confidence, float), 1e-6, None))


def _confidence(doubt):
    return 1 - 10.0 ** -np.asarray(doubt, float)
