"""What a design of the workflow costs in time and money: `python -m benchmarks.workflow`.

Runs the original course's design, `classify` and `classifyBulk` over the same images on the
deployed service, in turns, and beside them the floor: the same objects read from S3 and nothing
else, and the model called on pixels that lie ready. Transitions are counted in the executions'
histories, invocations and their time in CloudWatch's metrics; dollars are amounts times the prices
of `scripts/cost`, with the functions' times of one call at a time.

`--grow` runs 100 to 100,000 images instead, and draws how time and money grow. `--write-rates`
records the measured rates for `python -m scripts.cost plan`.
"""

import argparse
import multiprocessing
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import yaml

from benchmarks.designs import OBJECTS, Designs, put_objects, require_all
from benchmarks.growth import grow
from benchmarks.local_cloud import LocalCloud
from benchmarks.serving import call_model, open_model
from benchmarks.usage import Meter, measure_usage, replace_times
from handlers import aws
from scripts.cost import bill, plan
from service import config, storage
from service.hosting import Hosting
from service.jobs import read_member
from service.stack import Cloud, Stack, find_stack

PICTURE = config.ROOT / "docs" / "growth.svg"
MILLION = 1_000_000
WARM_UP_IMAGES = 400
# Images of a run with one call at a time, and how many such runs. On AWS each environment has a
# processor of its own; at full load here all share two, and each call seems to take longer.
ALONE = {"course": (1, 20), "classify": (1, 20), "classifyBulk": (200, 5)}
PROCESSES = 2
MODEL_BATCH, MODEL_SECONDS = 64, 3.0
COLUMNS = (
    *("design", "images/s (lowest to highest)", "of the course's", "transitions", "invocations"),
    *("Lambda ms alone", "Lambda ms at full load", "$ a million", "of the floor"),
)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--stage", default="dev")
    parser.add_argument("--images", type=int, default=OBJECTS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--grow", action="store_true")
    parser.add_argument("--write-rates", action="store_true")
    arguments = parser.parse_args()
    cloud = LocalCloud()
    stack = find_stack(cloud, arguments.stage)
    objects = put_objects(cloud.client("s3", connections=storage.THREADS), stack.bucket)
    if arguments.grow:
        grow(cloud, stack, objects, PICTURE)
        return
    rates = compare(cloud, stack, objects, arguments.images, arguments.rounds)
    if arguments.write_rates:
        write_rates(rates, arguments.images)


def compare(cloud: Cloud, stack: Stack, objects: list[str], images: int, rounds: int) -> dict:
    """Run the designs in turns, print a row each, and return the milliseconds as in rates.yml.

    Throughput is the median over the rounds, amounts are those of an image in the last.
    """
    designs, meter = Designs(cloud, stack, objects), Meter(cloud, stack)
    for run in designs.by_name.values():
        run(min(images, WARM_UP_IMAGES))  # environments start, connections open
    alone = {name: _measure_alone(designs, meter, name) for name in designs.by_name}
    speeds, usages = {name: [] for name in designs.by_name}, {}
    for _ in range(rounds):
        for name, run_design in designs.by_name.items():
            run = run_design(images)
            if name != "course":
                require_all(run)
            usages[name] = measure_usage(cloud.client("stepfunctions"), run, meter.take_used())
            speeds[name].append(run.images_per_second)
    designs.delete()

    prices, course = bill.load_prices(), statistics.median(speeds["course"])
    floor = prices.dollars("s3_get", MILLION)
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for name, rates in speeds.items():
        used, speed = usages[name], statistics.median(rates)
        dollars = bill.make_bill(replace_times(used, alone[name]), prices).total / images * MILLION
        functions = used.functions.values()
        cells = (
            name,
            f"{speed:,.0f} ({min(rates):,.0f} to {max(rates):,.0f})",
            f"{speed / course:.1f}",
            f"{used.transitions / images:.4f}",
            f"{sum(function.requests for function in functions) / images:.4f}",
            f"{sum(alone[name].values()):.2f}",
            f"{sum(function.seconds for function in functions) / images * 1000:.2f}",
            f"{dollars:.2f}",
            f"{dollars / floor:.1f}",
        )
        print(f"| {' | '.join(cells)} |")
    gets, model = count_gets(stack.bucket, objects, images), count_answers(cloud, stack)
    print(f"| S3 GETs alone | {gets:,.0f} | {gets / course:.1f} | | | | | {floor:.2f} | 1.0 |")
    print(f"| the model alone | {model:,.0f} | {model / course:.1f} | | | | | | |")
    return {
        name: {function: round(ms, 3) for function, ms in alone[name].items()}
        for name in ("classify", "classifyBulk")
    }


def _measure_alone(designs: Designs, meter: Meter, name: str) -> dict[str, float]:
    """Return the milliseconds of each function an image, one call at a time."""
    images, runs = ALONE[name]
    meter.take_used()
    for _ in range(runs):
        designs.by_name[name](images)
    return {
        function: used.seconds * 1000 / (images * runs)
        for function, used in meter.take_used().items()
        if function != "countResults"
    }


def count_gets(bucket: str, objects: list[str], images: int) -> float:
    """Return objects a second, read as the functions read them, by a process a core."""
    wanted = [objects[n % len(objects)] for n in range(images)]
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        pool.starmap(_read, [(bucket, objects[:50])] * PROCESSES, chunksize=1)
        began = time.perf_counter()
        pool.starmap(_read, [(bucket, wanted[n::PROCESSES]) for n in range(PROCESSES)], chunksize=1)
        return images / (time.perf_counter() - began)


def _read(bucket: str, keys: list[str]) -> None:
    s3 = LocalCloud().client("s3", connections=aws.CONNECTIONS)
    with ThreadPoolExecutor(aws.CONNECTIONS) as pool:
        list(pool.map(lambda key: aws.read_object(s3, bucket, key, 20_000_000), keys))


def count_answers(cloud: Cloud, stack: Stack) -> float:
    """Return images a second of the endpoint's model, a process a core with one thread each."""
    uri = Hosting(cloud.client("sagemaker"), stack.endpoint).served_model()
    body = read_member(cloud.client("s3"), uri, "model.onnx")
    with multiprocessing.get_context("spawn").Pool(PROCESSES, open_model, [body]) as pool:
        pool.starmap(call_model, [(MODEL_BATCH, 0.2)] * PROCESSES, chunksize=1)
        slices = pool.starmap(call_model, [(MODEL_BATCH, MODEL_SECONDS)] * PROCESSES, chunksize=1)
    return sum(rate for rate, _, _ in slices)


def write_rates(measured: dict, images: int) -> None:
    """Put the measured rates into scripts/cost/rates.yml, below the comment that heads it."""
    head = plan.RATES.read_text().partition("command:")[0]
    rates = {
        **plan.read_rates(),
        "command": "python -m benchmarks.workflow --write-rates",
        "machine": f"the local cloud on two cores, {images} photos",
        "date": date.today(),
        "milliseconds_a_photo": measured,
    }
    plan.RATES.write_text(head + yaml.safe_dump(rates, sort_keys=False))


if __name__ == "__main__":
    main()
