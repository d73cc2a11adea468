"""What a design of the workflow costs in time and money: `python -m benchmarks.workflow`.

Runs the original course's design, `classify` and `classifyBulk` over the same images on the
deployed service, in turns, and beside them the floor: the same objects read from S3 and nothing
else, and the model called on pixels that lie ready. Transitions are counted in the executions'
histories, invocations and their time in CloudWatch's metrics; dollars are amounts times the prices
of `scripts/costs`.

`--grow` runs 100 to 100,000 images instead, and draws how time and money grow. `--write-rates`
records the measured rates for `python -m scripts.cost plan`.
"""

import argparse
import statistics
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import yaml

from benchmarks.workflows.designs import Designs, Run
from benchmarks.workflows.floor import model_images_per_second, s3_gets_per_second
from benchmarks.workflows.growth import draw
from benchmarks.workflows.memory import PeakMemory
from benchmarks.workflows.meter import Meter
from scripts import config, dataset, storage
from scripts.cloud import Cloud, Stack, find_stack
from scripts.costs import bill, designs, prices, rules
from scripts.costs.amounts import Function, Usage
from scripts.costs.history import History

IMAGES = 2000
SIZES = {
    "course": (100, 1_000),
    "classify": (100, 1_000, 10_000),
    "classifyBulk": (100, 1_000, 10_000, 100_000),
}
ROW = "| {:<12} | {:>10} | {:>12} | {:>12} | {:>12} | {:>10} | {:>12} | {:>8} |"


def usage_of(states, run: Run, functions: dict[str, Function]) -> Usage:
    """What the run used, its transitions counted in the histories of its executions."""
    batches = round(functions["serializeImageData"].requests)
    bulk = run.design == "classifyBulk"
    if run.design == "course":  # 2,000 histories of one shape: ten show it
        shown = run.executions[:10]
        each = [History.read(states, e["executionArn"]).transitions for e in shown]
        used = statistics.mean(each) * run.images
    else:
        histories = [History.read(states, e["executionArn"]) for e in run.executions]
        used = sum(history.transitions for history in histories) + (batches if bulk else 0)
    seconds = sum(f.seconds for name, f in functions.items() if name != "countResults")
    return Usage(
        images=run.images,
        transitions=used,
        express_requests=batches if bulk else 0,
        express_gb_seconds=rules.express_gb_seconds(batches, seconds) if bulk else 0,
        functions=functions,
        s3_gets=run.images + (batches + 1 + designs.RESULT_FILES if bulk else 0),
        s3_puts=batches + designs.RESULT_FILES if bulk else 0,
        endpoint_gb=rules.endpoint_gb(run.images, config.load()["image"]["size"]),
    )


def compare(cloud: Cloud, stack: Stack, keys: list[str], images: int, rounds: int) -> dict:
    """Run the designs in turns and print a row each, medians over the rounds; return the rates."""
    made, meter, list_prices = Designs(cloud, stack, keys), Meter(cloud, stack), prices.load()
    states = cloud.client("stepfunctions")
    for run in made.by_name.values():
        run(min(images, 400))  # environments start, connections open
    meter.used()
    runs: dict[str, list[tuple[Run, Usage]]] = {name: [] for name in made.by_name}
    for _ in range(rounds):
        for name, run_design in made.by_name.items():
            run = run_design(images)
            runs[name].append((run, usage_of(states, run, meter.used())))
    made.delete()
    _print(
        ROW.format(
            "design",
            "images/s",
            "of course's",
            "transitions",
            "invocations",
            "Lambda ms",
            "$ a million",
            "x floor",
        )
    )
    _print("|" + "---|" * 8)
    speed = {
        name: statistics.median(r.images_per_second for r, _ in done) for name, done in runs.items()
    }
    rates = {}
    for name, done in runs.items():
        _, used = done[-1]
        cost = bill.of(used, list_prices)
        functions = used.functions.values()
        _print(
            ROW.format(
                name,
                f"{speed[name]:,.0f}",
                f"{speed[name] / speed['course']:.1f}",
                f"{used.transitions / images:.4f}",
                f"{sum(f.requests for f in functions) / images:.4f}",
                f"{sum(f.seconds for f in functions) / images * 1000:.2f}",
                f"{cost.per_million(cost.per_use):.2f}",
                f"{cost.times_the_floor:.1f}",
            )
        )
        rates[name] = {
            "images_per_second": round(speed[name]),
            "lambda_ms_per_image": {
                function: round(f.seconds / images * 1000, 3)
                for function, f in used.functions.items()
                if function != "countResults"
            },
        }
    gets = s3_gets_per_second(keys, images)
    model = model_images_per_second(cloud, stack)
    for name, value, dollars in (("S3 GETs alone", gets, "0.40"), ("model alone", model, "")):
        _print(
            ROW.format(
                name, f"{value:,.0f}", f"{value / speed['course']:.1f}", "", "", "", dollars, ""
            )
        )
    return rates


def grow(cloud: Cloud, stack: Stack, keys: list[str]) -> None:
    """Run growing numbers of images, print a row each, and draw them."""
    made, meter, list_prices = Designs(cloud, stack, keys), Meter(cloud, stack), prices.load()
    states = cloud.client("stepfunctions")
    made.classify_bulk(1_000)
    meter.used()
    _print(
        "| design | images | seconds | images/s | $ | $ a million | most memory of a function, MB |"
    )
    _print("|" + "---|" * 7)
    points = []
    for name, sizes in SIZES.items():
        for images in sizes:
            with PeakMemory() as memory:
                run = made.by_name[name](images)
            dollars = bill.of(usage_of(states, run, meter.used()), list_prices).per_use
            points.append((name, images, run.seconds, dollars))
            _print(
                f"| {name} | {images:,} | {run.seconds:.1f} | {run.images_per_second:,.0f} "
                f"| {dollars:.4f} | {dollars / images * 1e6:.2f} | {memory.megabytes:.0f} |"
            )
    made.delete()
    picture = config.ROOT / "docs" / "growth.svg"
    draw(points, picture)
    _print(f"\n{picture.relative_to(config.ROOT)}")


def write_rates(measured: dict, images: int) -> None:
    """Put the measured rates into scripts/costs/rates.yml."""
    head = designs.RATES.read_text().partition("command:")[0]
    rates = designs.rates()
    rates.update(
        command="python -m benchmarks.workflow --write-rates",
        machine="the local cloud on two cores, which cloud, functions and endpoint share",
        date=date.today(),
        images=images,
        designs={
            name: {
                **(
                    {"batch_size": config.load()["bulk"]["batch_size"]}
                    if name == "classifyBulk"
                    else {}
                ),
                **rate,
            }
            for name, rate in measured.items()
        },
    )
    designs.RATES.write_text(head + yaml.safe_dump(rates, sort_keys=False))


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--stage", default="dev")
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--grow", action="store_true")
    parser.add_argument("--write-rates", action="store_true")
    arguments = parser.parse_args()
    cloud = Cloud()
    stack = find_stack(cloud, arguments.stage)
    s3 = cloud.client("s3", connections=storage.THREADS)
    keys = objects(s3, stack.bucket, dataset.find(s3, stack.bucket)["name"])
    if arguments.grow:
        grow(cloud, stack, keys)
        return
    rates = compare(cloud, stack, keys, arguments.images, arguments.rounds)
    if arguments.write_rates:
        write_rates(rates, arguments.images)


def objects(s3, bucket: str, name: str) -> list[str]:
    """2,000 objects: the dataset's photos, copied as often as that takes."""
    photos = sorted(storage.listing(s3, bucket, f"{dataset.ROOT}{name}/images/"))
    prefix = "benchmarks/workflow/"
    wanted = {f"{prefix}{n:04}.png": photos[n % len(photos)] for n in range(IMAGES)}
    missing = sorted(wanted.keys() - storage.listing(s3, bucket, prefix).keys())

    def copy(key: str) -> None:
        s3.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": wanted[key]})

    with ThreadPoolExecutor(storage.THREADS) as pool:
        list(pool.map(copy, missing))
    return sorted(wanted)


if __name__ == "__main__":
    main()
