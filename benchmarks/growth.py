"""How time and money grow with the number of images: a table and a picture."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.designs import Designs
from benchmarks.usage import Meter, PeakMemory, measure_usage
from scripts.cost import bill
from service.stack import Cloud, Stack

SIZES = {
    "course": (100, 1_000),
    "classify": (100, 1_000, 10_000),
    "classifyBulk": (100, 1_000, 10_000, 100_000),
}
# Okabe and Ito's colours, and a mark each: told apart without colour too.
STYLES = {
    "course": ("#D55E00", "s", "original course"),
    "classify": ("#0072B2", "o", "classify"),
    "classifyBulk": ("#009E73", "^", "classifyBulk"),
}


def grow(cloud: Cloud, stack: Stack, objects: list[str], picture: Path) -> None:
    """Run growing numbers of images, print a row each, and draw them into an SVG file."""
    designs, meter = Designs(cloud, stack, objects), Meter(cloud, stack)
    states, list_prices = cloud.client("stepfunctions"), bill.load_prices()
    designs.classify_bulk(SIZES["classifyBulk"][1])
    meter.take_used()
    print("| design | images | seconds | images/s | $ | $ a million | memory of a function, MB |")
    print(f"|{'---|' * 7}")
    points = []
    for name, sizes in SIZES.items():
        for images in sizes:
            with PeakMemory() as memory:
                run = designs.by_name[name](images)
            usage = measure_usage(states, run, meter.take_used())
            dollars = bill.make_bill(usage, list_prices).total
            points.append((name, images, run.seconds, dollars))
            print(
                f"| {name} | {images:,} | {run.seconds:.1f} | {run.images_per_second:,.0f} "
                f"| {dollars:.4f} | {dollars / images * 1e6:.2f} | {memory.megabytes:.0f} |",
                flush=True,
            )
    designs.delete()
    draw(points, picture)


def draw(points: list[tuple[str, int, float, float]], path: Path) -> None:
    """Draw (design, images, seconds, dollars) into an SVG file."""
    # The same points make the same file, whose text stays text.
    mpl.rcParams.update({"svg.hashsalt": "growth", "svg.fonttype": "none"})
    # One below the other, so that a phone shows them at a legible size.
    figure = Figure(figsize=(5.6, 6.4), layout="constrained")
    time, money = figure.subplots(2, 1)
    for name, (colour, mark, label) in STYLES.items():
        rows = [row for row in points if row[0] == name]
        images = [row[1] for row in rows]
        style = {"color": colour, "marker": mark, "linewidth": 1.8}
        time.plot(images, [row[2] for row in rows], label=label, **style)
        money.plot(images, [row[3] for row in rows], **style)
    sizes, prices = (100, 100_000), bill.load_prices()
    gets = [prices.dollars("s3_get", size) for size in sizes]
    least = {"color": "#555555", "linestyle": "--", "label": "the least: an S3 GET a photo"}
    money.plot(sizes, gets, **least)
    for axes, title in (
        (time, "Seconds on the local cloud, two cores"),
        (money, "Dollars on AWS, by use"),
    ):
        axes.set(xscale="log", yscale="log", xlabel="photos", title=title)
        axes.grid(which="major", color="#dddddd", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        axes.xaxis.set_major_formatter("{x:,.0f}")
    time.yaxis.set_major_formatter("{x:g} s")
    money.yaxis.set_major_formatter("${x:g}")
    figure.savefig(path, metadata={"Date": None})
