"""How long a batch takes: `python -m benchmarks.classify [--stage dev] [--runs N]`.

Runs batches of the newest dataset's test photos on the deployed service and prints the median
duration of an execution, as Step Functions gives it, after one that warms the functions up.
"""

import argparse
import itertools
import json
import statistics
import sys
import time

from benchmarks.local_cloud import LocalCloud
from service import datasets, storage
from service.keys import DATASETS
from service.stack import find_stack

SIZES = (1, 40, 500)
POLL_SECONDS = 0.05


def main() -> None:
    """Print a row for each size of batch."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--stage", default="dev")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    cloud = LocalCloud()
    stack = find_stack(cloud, arguments.stage)
    s3, states = cloud.client("s3"), cloud.client("stepfunctions")
    name = datasets.find(s3, stack.bucket)["name"]
    keys = sorted(storage.listing(s3, stack.bucket, f"{DATASETS}{name}/images/test/"))

    def seconds(size: int) -> float:
        images = [{"s3_key": key} for key in itertools.islice(itertools.cycle(keys), size)]
        return duration(states, stack.state_machine, images)

    seconds(SIZES[1])
    rows = [f"{'images':>8}{'seconds':>10}{'a second':>10}   median of {arguments.runs}"]
    for size in SIZES:
        took = statistics.median(seconds(size) for _ in range(arguments.runs))
        rows.append(f"{size:8}{took:10.2f}{size / took:10.1f}")
    sys.stdout.write("\n".join(rows) + "\n")


def duration(states, machine: str, images: list[dict]) -> float:
    """The seconds of one execution, which must answer every image."""
    arn = states.start_execution(stateMachineArn=machine, input=json.dumps({"images": images}))
    while True:
        execution = states.describe_execution(executionArn=arn["executionArn"])
        if execution["status"] != "RUNNING":
            break
        time.sleep(POLL_SECONDS)
    counts = json.loads(execution["output"])["counts"]
    if counts["failed"] or counts["submitted"] != len(images):
        raise SystemExit(f"{arn['executionArn']}: {counts}")
    return (execution["stopDate"] - execution["startDate"]).total_seconds()


if __name__ == "__main__":
    main()
