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
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import yaml

from benchmarks.local_cloud import LocalCloud
from benchmarks.workflows.comparison import compare
from benchmarks.workflows.growth import grow
from scripts.cost import plan
from service import config, datasets, keys, storage
from service.stack import find_stack

IMAGES = 2000
PREFIX = "benchmarks/workflow/"
PICTURE = config.ROOT / "docs" / "growth.svg"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--stage", default="dev")
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--grow", action="store_true")
    parser.add_argument("--write-rates", action="store_true")
    arguments = parser.parse_args()
    cloud = LocalCloud()
    stack = find_stack(cloud, arguments.stage)
    s3 = cloud.client("s3", connections=storage.THREADS)
    keys = objects(s3, stack.bucket, datasets.find(s3, stack.bucket)["name"])
    if arguments.grow:
        grow(cloud, stack, keys, PICTURE, say)
        return
    rates = compare(cloud, stack, keys, arguments.images, arguments.rounds, say)
    if arguments.write_rates:
        write_rates(rates, arguments.images)


def objects(s3, bucket: str, name: str) -> list[str]:
    """Return the keys of 2,000 objects: the dataset's photos, copied as often as that takes."""
    photos = sorted(storage.listing(s3, bucket, f"{keys.DATASETS}{name}/images/"))
    wanted = {f"{PREFIX}{n:04}.png": photos[n % len(photos)] for n in range(IMAGES)}
    missing = sorted(wanted.keys() - storage.listing(s3, bucket, PREFIX).keys())

    def copy(key: str) -> None:
        s3.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": wanted[key]})

    with ThreadPoolExecutor(storage.THREADS) as pool:
        list(pool.map(copy, missing))
    return sorted(wanted)


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


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
