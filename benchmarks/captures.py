"""How fast captures load: `python -m benchmarks.captures [--images 10000 100000] [--model DIR]`.

Writes capture records as the endpoint's, 100 a file: a PNG each, or an array of 200 images each. A
fresh process for each row loads them and tells its seconds, those of CPU, and its peak of memory.
"""

import argparse
import base64
import json
import multiprocessing
import os
import sys
import tempfile
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psutil

from benchmarks.serving import encoded, npy, pictures, positive, untrained_model
from monitoring import captures, embedding

SIDE = 32
VARIETY = 512
RECORDS_A_FILE = 100
BATCH = 200
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
SECONDS_BETWEEN_WATCHES = 0.05


def record(number: int, kind: str, body: bytes, images: int) -> str:
    """A line of a capture file."""
    confidence = 0.5 + number % 500 / 1001
    answer = {"classes": ["bicycle", "motorcycle"]}
    answer["inferences"] = [[confidence, 1 - confidence]] * images
    sides = {
        "endpointInput": {
            "observedContentType": kind,
            "mode": "INPUT",
            "data": base64.b64encode(body).decode(),
            "encoding": "BASE64",
        },
        "endpointOutput": {
            "observedContentType": "application/json",
            "mode": "OUTPUT",
            "data": json.dumps(answer),
            "encoding": "JSON",
        },
    }
    when = BEGIN + timedelta(seconds=number)
    metadata = {"eventId": str(uuid.UUID(int=number)), "inferenceTime": f"{when:%FT%TZ}"}
    return json.dumps({"captureData": sides, "eventMetadata": metadata, "eventVersion": "0"}) + "\n"


def write(folder: Path, count: int, batch: int) -> int:
    """Write records of that many images in all. Returns their bytes."""
    images = pictures(VARIETY, SIDE)
    if batch == 1:
        kind, bodies = "image/png", [encoded(image, "PNG") for image in images]
    else:
        kind = "application/x-npy"
        bodies = [npy(np.resize(np.roll(images, n, 0), (batch, SIDE, SIDE, 3))) for n in range(4)]
    size, numbers = 0, range(count // batch)
    for first in numbers[::RECORDS_A_FILE]:
        hour = BEGIN + timedelta(seconds=first)
        path = folder / f"endpoint/AllTraffic/{hour:%Y/%m/%d/%H}/{first:07d}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        chosen = numbers[first : first + RECORDS_A_FILE]
        size += path.write_text(
            "".join(record(n, kind, bodies[n % len(bodies)], batch) for n in chosen)
        )
    return size


def read_model(folder: Path) -> embedding.Model:
    """The model in a folder."""
    members = ((folder / name).read_bytes() for name in ("model.onnx", "classes.json"))
    return embedding.make_model(str(folder), *members)


def load(folder: Path, model: Path | None, count: int, answer) -> None:
    """Load the folder and send what `measure` returns."""
    stop, peak = threading.Event(), 0

    def watch() -> None:
        nonlocal peak
        this = psutil.Process()
        while not stop.wait(SECONDS_BETWEEN_WATCHES):
            peak = max(peak, this.memory_full_info().pss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    loaded = captures.load(str(folder), model=read_model(model) if model else None)
    seconds = time.perf_counter() - began
    cpu = time.process_time()
    stop.set()
    watcher.join()
    if len(loaded.frame) != count or loaded.unreadable:
        raise RuntimeError(f"{len(loaded.frame)} of {count} images: {loaded.unreadable[:3]}")
    answer.send((seconds, cpu, peak, int(loaded.frame.memory_usage(deep=True).sum())))


def measure(folder: Path, model: Path | None, count: int) -> tuple[float, float, int, int]:
    """Seconds, CPU seconds, peak bytes and the table's bytes, of a fresh process that loads."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=load, args=(folder, model, count, theirs))
    process.start()
    theirs.close()
    try:
        return ours.recv()
    finally:
        process.join()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=positive, nargs="+", default=[10_000, 100_000])
    parser.add_argument(
        "--model", type=Path, metavar="DIR", help="model.onnx and classes.json (default: untrained)"
    )
    arguments = parser.parse_args()
    say = sys.stdout.write
    say(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} at the beginning\n\n")
    header = (
        *("records", "images", "MB on disk", "embedding"),
        *("seconds", "CPU s", "images/s", "peak MB", "table MB"),
    )
    say(f"| {' | '.join(header)} |\n{'|---' * len(header)}|\n")
    with tempfile.TemporaryDirectory() as temporary:
        model = arguments.model or untrained_model(Path(temporary))
        for batch, kind in ((1, "PNG"), (BATCH, f"npy x {BATCH}")):
            for count in arguments.images:
                folder = Path(temporary) / f"{batch}-{count}"
                size = write(folder, count, batch)
                for chosen, word in ((model, "yes"), (None, "no")):
                    seconds, cpu, peak, table = measure(folder, chosen, count)
                    say(
                        f"| {count // batch:,} of {kind} | {count:,} | {size / 1e6:,.0f} | {word} "
                        f"| {seconds:.1f} | {cpu:.1f} | {count / seconds:,.0f} | {peak / 1e6:,.0f} "
                        f"| {table / 1e6:,.0f} |\n"
                    )
                    sys.stdout.flush()


if __name__ == "__main__":
    main()
