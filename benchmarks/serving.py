"""What HTTP adds to the model: `python -m benchmarks.serving`.

Raw ONNX Runtime (a process a core, each with one thread, calling the model on pixels that lie
ready) against model/serve.py with as many workers, on the same cores. The two take turns in slices
of a second, so that whatever else the machine does hits both alike. A ratio is the median over the
rounds of HTTP's images a second over raw's just before; the load generator takes its CPU from the
same cores, so what it costs counts against HTTP. "CPU" leaves it out: the seconds of CPU that raw
takes for an image over those that the server's processes take.

`--requests 100000` sends that many instead, of all kinds, and prints the server's memory on the
way.
"""

import argparse
import contextlib
import multiprocessing
import multiprocessing.pool
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnxruntime
import psutil

from benchmarks.inputs import (
    VARIETY,
    encode,
    encode_npy,
    make_batches,
    make_pictures,
    make_untrained_model,
)
from benchmarks.load_generator import encode_post, send

SERVE = Path(__file__).parent.parent / "model" / "serve.py"
CORES = os.cpu_count() or 1
AIMS = {"one PNG": 0.65, "npy x 32": 0.95}
SIZES = {"one PNG": 1, "npy x 32": 32, "npy x 256": 256}
CONNECTIONS = 4 * CORES
SLICE_SECONDS = 1.0
COLUMNS = (
    *("request", "raw images/s", "HTTP images/s", "ratio (lowest to highest)", "aim", "CPU"),
    *("raw call alone p50 / p99 ms", "HTTP alone p50 / p99 ms"),
)


@dataclass
class Measured:
    """What the rounds saw of one kind of request; a value a round, latencies of all calls."""

    raw: list[float] = field(default_factory=list)  # images/s on all cores
    http: list[float] = field(default_factory=list)
    raw_cpu: list[float] = field(default_factory=list)  # s an image
    http_cpu: list[float] = field(default_factory=list)
    raw_alone: list[float] = field(default_factory=list)  # s, one call at a time
    http_alone: list[float] = field(default_factory=list)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--requests", type=int, metavar="N", help="watch memory instead")
    arguments = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    with contextlib.ExitStack() as stack:
        folder = make_untrained_model(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        port, workers = stack.enter_context(serve(folder))
        client = stack.enter_context(spawn.Pool(1))
        if arguments.requests:
            lines = watch_memory(client, port, workers, arguments.requests)
        else:
            model = (folder / "model.onnx").read_bytes()
            raw = stack.enter_context(spawn.Pool(CORES, open_model, [model]))
            before = format_memory(workers)
            measured = measure(raw, client, port, workers, arguments.rounds)
            memory = f"{before} before, {format_memory(workers)} after"
            lines = [*list_rows(measured), "", f"Resident MB of each worker: {memory}."]
        for line in lines:
            print(line, flush=True)


def make_requests(batch: int) -> list[bytes]:
    """Return different requests of that many images each: PNGs of one, else npy."""
    if batch == 1:
        return [encode_post(encode(p, "PNG"), "image/png") for p in make_pictures(VARIETY)]
    return [encode_post(encode_npy(b), "application/x-npy") for b in make_batches(batch, 4)]


def make_requests_of_all_kinds() -> list[bytes]:
    """Return 20 requests: 16 PNGs, npy x 32, a JPEG, a WebP, and one that is no image."""
    first, second, *_ = make_pictures(2)
    return [
        *make_requests(1),
        make_requests(32)[0],
        encode_post(encode(first, "JPEG"), "image/jpeg"),
        encode_post(encode(second, "WEBP"), "image/webp"),
        encode_post(b"no image", "image/png"),
    ]


def open_model(model: bytes) -> None:
    """Open the model on one thread, as the server does, for `call_model`."""
    global session
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def call_model(batch: int, seconds: float) -> tuple[float, float, list[float]]:
    """Call the model for so long: images a second, CPU seconds an image, seconds of each call."""
    inputs = make_batches(batch, VARIETY)
    calls: list[float] = []
    began, cpu = time.perf_counter(), time.process_time()
    before = began
    while before < began + seconds:
        session.run(["probabilities"], {"images": inputs[len(calls) % VARIETY]})
        after = time.perf_counter()
        calls.append(after - before)
        before = after
    images = batch * len(calls)
    return images / (before - began), (time.process_time() - cpu) / images, calls


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[tuple[int, list[psutil.Process]]]:
    """Run model/serve.py with a worker a core; yields its port and the workers.

    Its log goes to a file, as it would to a disk.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {
        **os.environ,
        "SM_MODEL_DIR": str(folder),
        "SERVE_HOST": "127.0.0.1",
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "SAGEMAKER_MODEL_SERVER_WORKERS": str(CORES),
    }
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([sys.executable, SERVE], env=env, stdout=log, stderr=log)  # noqa: S603
        try:
            _wait_until_it_answers(port)
            time.sleep(1)  # until the last worker answers too
            children = psutil.Process(process.pid).children()
            loaded = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
            yield port, loaded or [psutil.Process(process.pid)]
        except Exception:
            log.seek(max(0, log.tell() - 2000))
            sys.stderr.write(log.read().decode(errors="replace"))
            raise
        finally:
            process.terminate()
            process.wait(60)


def _wait_until_it_answers(port: int) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            return opener.open(f"http://127.0.0.1:{port}/ping", timeout=5).close()
        time.sleep(0.1)
    raise RuntimeError("the server does not answer")


def format_memory(workers: list[psutil.Process]) -> str:
    """Return the resident megabytes of each worker."""
    return ", ".join(f"{worker.memory_info().rss / 1e6:.1f}" for worker in workers)


def measure(
    raw: multiprocessing.pool.Pool,
    client: multiprocessing.pool.Pool,
    port: int,
    workers: list[psutil.Process],
    rounds: int,
) -> dict[str, Measured]:
    """Take turns, kind by kind, and gather what each slice says."""
    requests = {name: make_requests(batch) for name, batch in SIZES.items()}
    measured = {name: Measured() for name in SIZES}
    for name, batch in SIZES.items():  # nobody's first call counts
        raw.starmap(call_model, [(batch, 0.2)] * CORES, chunksize=1)
        client.apply(send, (port, requests[name], CONNECTIONS, 0.2))
    for _ in range(rounds):
        for name, batch in SIZES.items():
            seen = measured[name]
            slices = raw.starmap(call_model, [(batch, SLICE_SECONDS)] * CORES, chunksize=1)
            rates, cpu, _ = zip(*slices, strict=True)
            seen.raw.append(sum(rates))
            seen.raw_cpu.append(statistics.fmean(cpu))
            before = _sum_cpu(workers)
            load = client.apply(send, (port, requests[name], CONNECTIONS, SLICE_SECONDS))
            if set(load.statuses) != {200}:
                raise RuntimeError(f"answers by status: {dict(load.statuses)}")
            images = batch * load.statuses[200]
            seen.http.append(images / load.seconds)
            seen.http_cpu.append((_sum_cpu(workers) - before) / images)
            seen.raw_alone += raw.apply(call_model, (batch, SLICE_SECONDS / 2))[2]
            alone = client.apply(send, (port, requests[name], 1, SLICE_SECONDS / 2))
            seen.http_alone += alone.latencies
    return measured


def _sum_cpu(workers: list[psutil.Process]) -> float:
    return sum(sum(worker.cpu_times()[:2]) for worker in workers)


def list_rows(measured: dict[str, Measured]) -> Iterator[str]:
    """Yield the table in Markdown."""
    yield f"| {' | '.join(COLUMNS)} |"
    yield f"|{'---|' * len(COLUMNS)}"
    for name, seen in measured.items():
        ratios = [http / raw for http, raw in zip(seen.http, seen.raw, strict=True)]
        cpu = [raw / http for http, raw in zip(seen.http_cpu, seen.raw_cpu, strict=True)]
        cells = (
            name,
            f"{statistics.median(seen.raw):,.0f}",
            f"{statistics.median(seen.http):,.0f}",
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
            f"{AIMS[name]:.2f}" if name in AIMS else "",
            f"{statistics.median(cpu):.2f}",
            _format_percentiles(seen.raw_alone),
            _format_percentiles(seen.http_alone),
        )
        yield f"| {' | '.join(cells)} |"


def _format_percentiles(seconds: list[float]) -> str:
    fifty, ninety_nine = np.percentile(np.array(seconds) * 1000, (50, 99))
    return f"{fifty:.2f} / {ninety_nine:.2f}"


def watch_memory(
    client: multiprocessing.pool.Pool, port: int, workers: list[psutil.Process], count: int
) -> Iterator[str]:
    """Send that many requests of all kinds; yield the workers' memory after each tenth."""
    requests = make_requests_of_all_kinds()
    yield "| requests | resident MB of each worker |"
    yield "|---|---|"
    sent = 0
    for tenth in range(11):
        wanted = max(len(requests), count * tenth // 10)  # the first few load what is loaded late
        load = client.apply(send, (port, requests, CONNECTIONS), {"most": wanted - sent})
        if set(load.statuses) - {200, 400, 415}:
            raise RuntimeError(f"answers by status: {dict(load.statuses)}")
        sent = wanted
        yield f"| {sent:,} | {format_memory(workers)} |"


if __name__ == "__main__":
    main()
