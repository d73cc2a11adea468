"""The designs side by side, over the same images."""

import statistics
from collections.abc import Callable

from benchmarks.workflows.designs import Designs, Run
from benchmarks.workflows.floor import (
    floor_dollars,
    model_images_per_second,
    s3_gets_per_second,
)
from benchmarks.workflows.meter import Meter
from benchmarks.workflows.usage import at_rates, measure_usage
from scripts.cost import bill
from scripts.cost.bill import Usage
from service.stack import Cloud, Stack

MILLION = 1_000_000
TRANSFORM_STARTUP_SECONDS = 300  # a machine, its image and the model: some minutes
TRANSFORM_TYPE = "ml.m5.large"  # two cores like ml.c5.large, which Batch Transform does not offer
WARM_UP_IMAGES = 400
# Images of a run with one call at a time, and how many such runs. On AWS each environment has a
# processor of its own; at full load here all share two, and each call seems to take longer.
ALONE = {"course": (1, 20), "classify": (1, 20), "classifyBulk": (200, 5)}
HEADER = (
    "design",
    "images/s (lowest to highest)",
    "of the course's",
    "transitions",
    "invocations",
    "Lambda ms alone",
    "Lambda ms at full load",
    "$ a million",
    "of the floor",
)


def compare(
    cloud: Cloud,
    stack: Stack,
    keys: list[str],
    images: int,
    rounds: int,
    say: Callable[[str], None],
) -> dict:
    """Run the designs in turns and say a row each; return the milliseconds as rates.yml holds them.

    Throughput is the median over the rounds, amounts are those of an image in the last.
    """
    designs, meter = Designs(cloud, stack, keys), Meter(cloud, stack)
    states = cloud.client("stepfunctions")
    for run in designs.by_name.values():
        run(min(images, WARM_UP_IMAGES))  # environments start, connections open
    alone = {name: _alone(designs, meter, name) for name in designs.by_name}
    done: dict[str, list[tuple[Run, Usage]]] = {name: [] for name in designs.by_name}
    for _ in range(rounds):
        for name, run_design in designs.by_name.items():
            run = run_design(images)
            done[name].append((run, measure_usage(states, run, meter.used())))
    designs.delete()

    speeds = {name: [run.images_per_second for run, _ in runs] for name, runs in done.items()}
    course = statistics.median(speeds["course"])
    say(_row(HEADER))
    say("|" + "---|" * len(HEADER))
    for name, runs in done.items():
        used = runs[-1][1]
        cost = bill.make_bill(at_rates(used, alone[name]), bill.load_prices())
        functions = used.functions.values()
        cells = (
            name,
            f"{statistics.median(speeds[name]):,.0f} "
            f"({min(speeds[name]):,.0f} to {max(speeds[name]):,.0f})",
            f"{statistics.median(speeds[name]) / course:.1f}",
            f"{used.transitions / images:.4f}",
            f"{sum(f.requests for f in functions) / images:.4f}",
            f"{sum(alone[name].values()):.2f}",
            f"{sum(f.seconds for f in functions) / images * 1000:.2f}",
            f"{cost.total / images * MILLION:.2f}",
            f"{cost.total / floor_dollars(images):.1f}",
        )
        say(_row(cells))
    model = model_images_per_second(cloud, stack)
    for name, speed, dollars in (
        ("Batch Transform (not run)", None, batch_transform_dollars(MILLION, model)),
        ("S3 GETs alone", s3_gets_per_second(keys, images), floor_dollars(MILLION)),
        ("the model alone", model, None),
    ):
        speeds_shown = (f"{speed:,.0f}", f"{speed / course:.1f}") if speed else ("", "")
        costs = (
            (f"{dollars:.2f}", f"{dollars / floor_dollars(MILLION):.1f}") if dollars else ("", "")
        )
        say(_row((name, *speeds_shown, "", "", "", "", *costs)))
    return {
        name: {function: round(ms, 3) for function, ms in alone[name].items()}
        for name in ("classify", "classifyBulk")
    }


def batch_transform_dollars(images: int, images_per_second: float) -> float:
    """What SageMaker Batch Transform would cost, were it as fast as the model alone.

    A request to the model and a file of results for each photo, which must have the model's size
    already; it has no filter and notifies nobody.
    https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html
    """
    prices = bill.load_prices()
    hours = (TRANSFORM_STARTUP_SECONDS + images / images_per_second) / 3600
    instance = hours * prices.hour(TRANSFORM_TYPE)
    return prices.dollars("s3_get", images) + prices.dollars("s3_put", images) + instance


def _alone(designs: Designs, meter: Meter, name: str) -> dict[str, float]:
    """Milliseconds of each function an image, one call at a time."""
    images, runs = ALONE[name]
    meter.used()
    for _ in range(runs):
        designs.by_name[name](images)
    return {
        function: used.seconds * 1000 / (images * runs)
        for function, used in meter.used().items()
        if function != "countResults"
    }


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
