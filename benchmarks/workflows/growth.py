"""How time and money grow with the number of images, as a picture."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

# Okabe and Ito's colours, and a mark each: told apart without colour too.
STYLES = {
    "course": ("#D55E00", "s", "original course"),
    "classify": ("#0072B2", "o", "classify"),
    "classifyBulk": ("#009E73", "^", "classifyBulk"),
}
FLOOR = 0.40e-6  # dollars for an S3 GET


def draw(points: list[tuple[str, int, float, float]], path: Path) -> None:
    """Draw (design, images, seconds, dollars) into an SVG file."""
    mpl.rcParams["svg.hashsalt"] = "growth"  # the same points make the same file
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    time, money = figure.subplots(1, 2)
    for name, (colour, mark, label) in STYLES.items():
        rows = [row for row in points if row[0] == name]
        images = [row[1] for row in rows]
        style = {"color": colour, "marker": mark, "label": label, "linewidth": 1.8}
        time.plot(images, [row[2] for row in rows], **style)
        money.plot(images, [row[3] for row in rows], **style)
    sizes = [100, 100_000]
    floor = [FLOOR * size for size in sizes]
    money.plot(sizes, floor, color="#555555", linestyle="--", label="floor: an S3 GET an image")
    for axes, title in (
        (time, "Seconds on the local cloud, two cores"),
        (money, "Dollars on AWS, by use"),
    ):
        axes.set(xscale="log", yscale="log", xlabel="images", title=title)
        axes.grid(which="major", color="#dddddd", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})
