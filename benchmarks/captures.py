"""How fast captures load: `python -m benchmarks.captures [--images 10000 100000]`.

Writes capture records as the endpoint's, 100 a file: a PNG each, or an array of 200 images each. A
fresh process for each row loads them and tells its seconds, those of CPU, and its peak of memory.
"""

import argparse
import base64
import json
import multiprocessing
import os
import resource
import tempfile
import threading
import time
import uuid
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from benchmarks.inputs import (
    encode,
    encode_npy,
    make_batches,
    make_pictures,
    make_untrained_model,
)
from monitoring import captures, embedding

VARIETY = 512
RECORDS_A_FILE = 100
BATCH = 200
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
SECONDS_BETWEEN_WATCHES = 0.05
COLUMNS = (
    *("records", "images", "MB on disk", "embedding"),
    *("seconds", "CPU s", "images/s", "peak MB", "table MB"),
)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, nargs="+", default=[10_000, 100_000])
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} at the beginning\n")
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    with tempfile.TemporaryDirectory() as temporary:
        model = make_untrained_model(Path(temporary))
        for batch, kind in ((1, "PNG"), (BATCH, f"npy x {BATCH}")):
            for count in arguments.images:
                folder = Path(temporary) / f"{batch}-{count}"
                size = write(folder, count, batch)
                for chosen, word in ((model, "yes"), (None, "no")):
                    seconds, cpu, peak, table = measure(folder, chosen, count)
                    print(
                        f"| {count // batch:,} of {kind} | {count:,} | {size / 1e6:,.0f} | {word} "
                        f"| {seconds:.1f} | {cpu:.1f} | {count / seconds:,.0f} | {peak / 1e6:,.0f} "
                        f"| {table / 1e6:,.0f} |",
                        flush=True,
                    )


def write(folder: Path, count: int, batch: int) -> int:
    """Write records of that many images in all; return their bytes."""
    if batch == 1:
        kind, bodies = "image/png", [encode(image, "PNG") for image in make_pictures(VARIETY)]
    else:
        kind, bodies = "application/x-npy", [encode_npy(b) for b in make_batches(batch, 4)]
    size, numbers = 0, range(count // batch)
    for first in numbers[::RECORDS_A_FILE]:
        hour = BEGIN + timedelta(seconds=first)
        path = folder / f"endpoint/AllTraffic/{hour:%Y/%m/%d/%H}/{first:07d}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        chosen = numbers[first : first + RECORDS_A_FILE]
        size += path.write_text(
            "".join(make_record(n, kind, bodies[n % len(bodies)], batch) for n in chosen)
        )
    return size


def make_record(number: int, kind: str, body: bytes, images: int) -> str:
    """Return a line of a capture file."""
    confidence = 0.5 + number % 500 / 1001
    answer = {
        "classes": ["bicycle", "motorcycle"],
        "inferences": [[confidence, 1 - confidence]] * images,
    }
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


def measure(folder: Path, model: Path | None, count: int) -> tuple[float, float, int, int]:
    """Return seconds, CPU seconds, peak bytes and the table's bytes of a process that loads."""
    # A pool of multiprocessing's own has processes that must not start others.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(load, folder, model, count).result()


def load(folder: Path, model: Path | None, count: int) -> tuple[float, float, int, int]:
    """Load the folder in this process; return what `measure` returns."""
    stop, peak = threading.Event(), 0

    def watch() -> None:
        nonlocal peak
        this = psutil.Process()
        while not stop.wait(SECONDS_BETWEEN_WATCHES):
            peak = max(peak, sum(map(memory, [this, *this.children(recursive=True)])))

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    loaded = captures.load(str(folder), model=read_model(model) if model else None)
    seconds = time.perf_counter() - began
    cpu = time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    stop.set()
    watcher.join()
    if len(loaded.frame) != count or loaded.unreadable:
        raise RuntimeError(f"{len(loaded.frame)} of {count} images: {loaded.unreadable[:3]}")
    return seconds, cpu, peak, int(loaded.frame.memory_usage(deep=True).sum())


def memory(process: psutil.Process) -> int:
    """Return the bytes that a process holds, its part of what it shares; 0 if it has ended."""
    try:
        return process.memory_full_info().pss
    except psutil.Error:
        return 0


def read_model(folder: Path) -> embedding.Model:
    """Return the model in a folder."""
    members = ((folder / name).read_bytes() for name in ("model.onnx", "classes.json"))
    return embedding.make_model(str(folder), *members)


if __name__ == "__main__":
    main()
