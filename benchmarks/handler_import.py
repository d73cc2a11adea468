"""How long it takes to import each handler: `python -m benchmarks.handler_import [--runs N]`.

Each figure is processor time, the median over N fresh interpreters. boto3's part is importing it
and making the client that the handler needs, which no handler can do without; the rest is the
handler's own. The last row is what a colour profile adds to the first photo that has one, as few
have: Pillow's colour management is imported for it.
"""

import argparse
import io
import os
import statistics
import subprocess
import sys

from PIL import Image, ImageCms

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
COLOUR_PROGRAM = """
import sys, time
from handlers.photo import to_model_input
def read(photo):
    start = time.process_time()
    to_model_input(bytes.fromhex(photo), 32, 10**6)
    return time.process_time() - start
read(sys.argv[1])
print(read(sys.argv[2]) - read(sys.argv[1]))
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


def measure_profile(runs: int) -> float:
    """Milliseconds of a processor that the first photo with a colour profile takes longer."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = Image.effect_noise((64, 64), 80).convert("RGB")
    files = [io.BytesIO(), io.BytesIO()]
    photo.save(files[0], "PNG")
    photo.save(files[1], "PNG", icc_profile=profile)
    command = [sys.executable, "-c", COLOUR_PROGRAM, *(file.getvalue().hex() for file in files)]
    parts = [
        1000 * float(subprocess.check_output(command, text=True))  # noqa: S603 - the program above
        for _ in range(runs)
    ]
    return statistics.median(parts)


def main() -> None:
    """Print a row for each handler, and one for the first colour profile."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    runs = parser.parse_args().runs
    print(f"| handler | boto3 ms | own ms, budget {BUDGET} |\n|---|---|---|")
    for handler in HANDLERS:
        boto, own = measure(handler, runs)
        print(f"| {handler} | {boto:.0f} | {own:.0f} |", flush=True)
    print(f"| first colour profile | | {measure_profile(runs):.0f} |")


if __name__ == "__main__":
    main()
