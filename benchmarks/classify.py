"""How long a batch takes: `python -m benchmarks.classify [--stage dev] [--runs N]`.

Runs batches on the deployed service and prints the median duration of an execution, as Step
Functions gives it, after one that warms the functions up.
"""

import argparse
import statistics

from benchmarks.designs import Designs, put_objects, require_all
from benchmarks.local_cloud import LocalCloud
from service import storage
from service.stack import find_stack

SIZES = (1, 40, 500)


def main() -> None:
    """Print a row for each size of batch."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--stage", default="dev")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    cloud = LocalCloud()
    stack = find_stack(cloud, arguments.stage)
    objects = put_objects(cloud.client("s3", connections=storage.THREADS), stack.bucket)
    designs = Designs(cloud, stack, objects)
    designs.classify(SIZES[1])
    print("| images | seconds | images a second |\n|---|---|---|")
    for size in SIZES:
        runs = [require_all(designs.classify(size)) for _ in range(arguments.runs)]
        seconds = statistics.median(run.seconds for run in runs)
        print(f"| {size} | {seconds:.2f} | {size / seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
