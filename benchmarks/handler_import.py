"""How long it takes to import each handler: `python -m benchmarks.handler_import [--runs N]`.

Each figure is processor time, the median over N fresh interpreters. boto3's part is importing it
and making the client that the handler needs, which no handler can do without; the rest is the
handler's own.
"""

import argparse
import os
import statistics
import subprocess
import sys

BUDGET = 50  # ms that a handler may take beyond boto3
HANDLERS = {
    "serialize_image_data": "s3",
    "classify_image": "sagemaker-runtime",
    "filter_low_confidence": None,
    "count_results": "s3",
}
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "BUCKET_NAME": "bucket",
    "EXTRA_BUCKETS": "",
    "IMAGE_SIZE": "32",
    "IMAGE_MAX_BYTES": "1",
    "IMAGE_MAX_PIXELS": "1",
    "ENDPOINT_NAME": "endpoint",
    "THRESHOLD": "0.5",
}
PROGRAM = """
import importlib, sys, time
start = time.process_time()
if sys.argv[2:]:
    import boto3
    boto3.client(sys.argv[2])
client = time.process_time()
importlib.import_module(f"handlers.{sys.argv[1]}")
print(client - start, time.process_time() - client)
"""


def measure(handler: str, runs: int) -> tuple[float, float]:
    """Milliseconds of a processor for boto3's part and the handler's own, medians over `runs`."""
    client = HANDLERS[handler]
    command = [sys.executable, "-c", PROGRAM, handler, *([client] if client else [])]
    environment = {**os.environ, **ENVIRONMENT}
    parts = []
    for _ in range(runs):
        done = subprocess.run(  # noqa: S603 - the program above
            command, env=environment, capture_output=True, text=True, check=True
        )
        parts.append([1000 * float(part) for part in done.stdout.split()])
    boto, own = zip(*parts, strict=True)
    return statistics.median(boto), statistics.median(own)


def main() -> None:
    """Print a row for each handler."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    runs = parser.parse_args().runs
    print(f"| handler | boto3 ms | own ms, budget {BUDGET} |\n|---|---|---|")
    for handler in HANDLERS:
        boto, own = measure(handler, runs)
        print(f"| {handler} | {boto:.0f} | {own:.0f} |", flush=True)


if __name__ == "__main__":
    main()
