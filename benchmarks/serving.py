"""What HTTP adds to the model: `python -m benchmarks.serving [--model DIR]`.

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
import io
import json
import multiprocessing
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

from benchmarks.load_generator import LoadGenerator, post

SERVE = Path(__file__).parent.parent / "model" / "serve.py"
AIMS = {"one PNG": 0.65, "npy x 32": 0.95}
SIZES = {"one PNG": 1, "npy x 32": 32, "npy x 256": 256}
CONNECTIONS_A_WORKER = 4
VARIETY = 16  # different pictures, so that no cache answers for the model
TICK = os.sysconf("SC_CLK_TCK")


# What is sent


def pictures(count: int, side: int) -> np.ndarray:
    """Pictures uint8 N x side x side x 3 that a PNG compresses about as it does a photo."""
    rng = np.random.default_rng(0)
    result = np.empty((count, side, side, 3), np.uint8)
    for picture in result:
        coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC), np.int16)
        picture[:] = np.clip(smooth + rng.integers(-4, 5, smooth.shape), 0, 255)
    return result


def encoded(picture: np.ndarray, name: str) -> bytes:
    """A picture in that format's bytes."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, name)
    return file.getvalue()


def npy(array: np.ndarray) -> bytes:
    """An array in npy's bytes."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def requests_of(batch: int, side: int) -> list[bytes]:
    """Different requests of that many images each: PNGs of one, else npy."""
    images = pictures(VARIETY, side)
    if batch == 1:
        return [post(encoded(image, "PNG"), "image/png") for image in images]
    return [
        post(npy(np.resize(np.roll(images, n, 0), (batch, side, side, 3))), "application/x-npy")
        for n in range(4)
    ]


def requests_of_all_kinds(side: int) -> list[bytes]:
    """20 requests: 16 PNGs, npy x 32, a JPEG, a WebP, and one that is no image."""
    images = pictures(VARIETY, side)
    return [
        *(post(encoded(image, "PNG"), "image/png") for image in images),
        post(npy(np.resize(images, (32, side, side, 3))), "application/x-npy"),
        post(encoded(images[0], "JPEG"), "image/jpeg"),
        post(encoded(images[1], "WEBP"), "image/webp"),
        post(b"no image", "image/png"),
    ]


# Raw ONNX Runtime


class Raw:
    """Processes that do nothing but call the model. Use it as a context manager."""

    def __init__(self, model: Path, processes: int):
        context = multiprocessing.get_context("spawn")
        self._pipes, self._processes = [], []
        for _ in range(processes):
            ours, theirs = context.Pipe()
            process = context.Process(target=_call, args=(theirs, model), daemon=True)
            process.start()
            self._pipes.append(ours)
            self._processes.append(process)
        for pipe in self._pipes:
            pipe.recv()  # the model is loaded

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join()

    def run(self, batch: int, seconds: float, processes: int) -> tuple[float, float, array]:
        """Images a second, CPU seconds an image, seconds of each call."""
        pipes = self._pipes[:processes]
        for pipe in pipes:
            pipe.send((batch, seconds))
        answers = [pipe.recv() for pipe in pipes]
        rate = sum(batch * len(calls) / took for took, _, calls in answers)
        images = sum(batch * len(calls) for _, _, calls in answers)
        cpu = sum(cpu for _, cpu, _ in answers)
        return rate, cpu / images, sum((calls for _, _, calls in answers), array("d"))


def open_model(model: Path) -> onnxruntime.InferenceSession:
    """The model on one thread, as the server opens it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _call(pipe, model: Path) -> None:
    session = open_model(model)
    side = session.get_inputs()[0].shape[1]
    images = pictures(VARIETY, side)
    pipe.send("loaded")
    while True:
        try:
            batch, seconds = pipe.recv()
        except EOFError:
            return
        inputs = [np.resize(np.roll(images, n, 0), (batch, side, side, 3)) for n in range(VARIETY)]
        calls = array("d")
        began, cpu = time.perf_counter(), time.process_time()
        before = began
        while before < began + seconds:
            session.run(["probabilities"], {"images": inputs[len(calls) % VARIETY]})
            after = time.perf_counter()
            calls.append(after - before)
            before = after
        pipe.send((before - began, time.process_time() - cpu, calls))


# The server


@dataclass
class Server:
    """model/serve.py on a port of this machine; `workers` are the ids of its processes."""

    port: int
    process: int
    workers: list[int]

    def cpu(self) -> float:
        """CPU seconds of all its processes so far."""
        return sum(_cpu_of(process) for process in {self.process, *self.workers})

    def memory(self) -> list[float]:
        """Resident megabytes of each worker."""
        return [_resident(worker) for worker in self.workers]


@contextlib.contextmanager
def server(folder: Path, workers: int, port: int) -> Iterator[Server]:
    """The server, answering; stopped at the end. Its log goes to a file, as it would to a disk."""
    env = {
        **os.environ,
        "SM_MODEL_DIR": str(folder),
        "SERVE_HOST": "127.0.0.1",
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "SAGEMAKER_MODEL_SERVER_WORKERS": str(workers),
    }
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([sys.executable, SERVE], env=env, stdout=log, stderr=log)  # noqa: S603
        try:
            ids = _workers(process, port, workers)
            yield Server(port, process.pid, ids)
        except Exception:
            log.seek(max(0, log.tell() - 2000))
            sys.stderr.write(log.read().decode(errors="replace"))
            raise
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _workers(process: subprocess.Popen, port: int, count: int) -> list[int]:
    """Wait until the server answers; the processes that do."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            opener.open(f"http://127.0.0.1:{port}/ping", timeout=5).close()
            break
        time.sleep(0.1)
    else:
        raise RuntimeError("the server does not answer")
    if count == 1:
        return [process.pid]
    time.sleep(1)  # until the last worker answers too
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    loaded = [int(child) for child in children if b"spawn_main" in _command(child)]
    if len(loaded) != count:
        raise RuntimeError(f"the server has {len(loaded)} workers, not {count}")
    return loaded


def _command(process: str) -> bytes:
    return Path(f"/proc/{process}/cmdline").read_bytes()


def _cpu_of(process: int) -> float:
    numbers = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(numbers[11]) + int(numbers[12])) / TICK


def _resident(process: int) -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# Measuring


@dataclass
class Found:
    """What the rounds saw of one kind of request; a value a round, latencies of all calls."""

    raw: list[float] = field(default_factory=list)  # images/s on all cores
    http: list[float] = field(default_factory=list)
    raw_cpu: list[float] = field(default_factory=list)  # s an image
    http_cpu: list[float] = field(default_factory=list)
    client_cpu: list[float] = field(default_factory=list)
    raw_call: array = field(default_factory=lambda: array("d"))  # s, one call at a time
    http_alone: array = field(default_factory=lambda: array("d"))  # s, one request at a time
    http_full: array = field(default_factory=lambda: array("d"))  # s, all connections at work


def measure(
    raw: Raw, load: LoadGenerator, server: Server, side: int, rounds: int, seconds: float
) -> dict[str, Found]:
    """Take turns, kind by kind, and gather what each slice says."""
    requests = {name: requests_of(batch, side) for name, batch in SIZES.items()}
    found = {name: Found() for name in SIZES}
    workers = len(server.workers)
    for batch in SIZES.values():  # nobody's first call counts
        raw.run(batch, 0.2, workers)
    for each in requests.values():
        load.run(each, 4 * workers, 0.2)
    for number in range(rounds):
        for name, batch in SIZES.items():
            of = found[name]
            rate, cpu, _ = raw.run(batch, seconds, workers)
            of.raw.append(rate)
            of.raw_cpu.append(cpu)
            before = server.cpu()
            full = load.run(requests[name], CONNECTIONS_A_WORKER * workers, seconds)
            answered = checked(full.statuses) * batch
            of.http.append(answered / full.seconds)
            of.http_cpu.append((server.cpu() - before) / answered)
            of.client_cpu.append(full.cpu / answered)
            of.http_full.extend(full.latencies)
            of.raw_call.extend(raw.run(batch, seconds / 2, 1)[2])
            of.http_alone.extend(load.run(requests[name], 1, seconds / 2).latencies)
        progress(f"round {number + 1} of {rounds}")
    progress("")
    return found


def checked(statuses: dict[int, int]) -> int:
    """How many requests were answered, all of them by 200."""
    if set(statuses) != {200}:
        raise RuntimeError(f"answers by status: {dict(statuses)}")
    return statuses[200]


def progress(text: str) -> None:
    """One line on a terminal, written over by the next."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{text:<40}\r")


def percentiles(seconds: array) -> str:
    """`p50 / p99` in milliseconds."""
    fifty, ninety_nine = np.percentile(np.asarray(seconds) * 1000, (50, 99))
    return f"{fifty:.2f} / {ninety_nine:.2f}"


def table(found: dict[str, Found]) -> Iterator[str]:
    """The result as Markdown."""
    columns = (
        "request",
        "raw images/s",
        "HTTP images/s",
        "ratio (lowest to highest)",
        "aim",
        "CPU",
        "raw call alone p50 / p99 ms",
        "HTTP alone p50 / p99 ms",
        "HTTP at full load p50 / p99 ms",
        "client's share of CPU",
    )
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for name, of in found.items():
        ratios = [http / raw for http, raw in zip(of.http, of.raw, strict=True)]
        cpu = [raw / http for http, raw in zip(of.http_cpu, of.raw_cpu, strict=True)]
        client = [c / (c + s) for c, s in zip(of.client_cpu, of.http_cpu, strict=True)]
        cells = (
            name,
            f"{statistics.median(of.raw):,.0f}",
            f"{statistics.median(of.http):,.0f}",
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
            f"{AIMS[name]:.2f}" if name in AIMS else "",
            f"{statistics.median(cpu):.2f}",
            percentiles(of.raw_call),
            percentiles(of.http_alone),
            percentiles(of.http_full),
            f"{statistics.median(client):.0%}",
        )
        yield f"| {' | '.join(cells)} |"


def watch_memory(load: LoadGenerator, server: Server, side: int, count: int) -> Iterator[str]:
    """Send that many requests of all kinds; the workers' memory after each tenth."""
    requests = requests_of_all_kinds(side)
    connections = CONNECTIONS_A_WORKER * len(server.workers)
    yield "| requests | resident MB of each worker |"
    yield "|---|---|"
    sent = 0
    for tenth in range(11):
        wanted = max(len(requests), count * tenth // 10)  # the first few load what is loaded late
        statuses = load.run(requests, connections, count=wanted - sent).statuses
        if set(statuses) - {200, 400, 415}:
            raise RuntimeError(f"answers by status: {dict(statuses)}")
        sent = wanted
        yield f"| {sent:,} | {', '.join(f'{size:.1f}' for size in server.memory())} |"


# The command


def untrained_model(folder: Path) -> Path:
    """A folder with train.py's network as it is before training: as fast as any that is trained."""
    import torch  # here, because only this needs it

    from model.training import network
    from model.training.evaluation import Calibration
    from model.training.export import export

    torch.manual_seed(0)
    classes = ["bicycle", "motorcycle"]
    classifier = network.Classifier(network.Network(len(classes) + 1), Calibration(1.0, 0.0))
    export(classifier.eval(), 32, folder / "model.onnx")
    (folder / "classes.json").write_text(json.dumps(classes))
    return folder


def positive(text: str) -> int:
    """A whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--model", type=Path, metavar="DIR", help="model.onnx and classes.json (default: untrained)"
    )
    parser.add_argument("--workers", type=positive, default=os.cpu_count(), help="one a core")
    parser.add_argument("--rounds", type=positive, default=10)
    parser.add_argument("--seconds", type=float, default=1, help="of a slice")
    parser.add_argument("--requests", type=positive, metavar="N", help="watch memory instead")
    parser.add_argument("--port", type=int, default=None, help="the server's (default: a free one)")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        made = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder = arguments.model or untrained_model(made)
        side = open_model(folder / "model.onnx").get_inputs()[0].shape[1]
        port = arguments.port or free_port()
        served = stack.enter_context(server(folder, arguments.workers, port))
        load = stack.enter_context(LoadGenerator(served.port))
        if arguments.requests:
            lines = watch_memory(load, served, side, arguments.requests)
        else:
            raw = stack.enter_context(Raw(folder / "model.onnx", arguments.workers))
            png, *_ = requests_of(1, side)
            sys.stdout.write(
                f"{arguments.workers} workers, {arguments.rounds} rounds of slices of "
                f"{arguments.seconds:g} s, a PNG of {len(png):,} bytes with its head\n\n"
            )
            before = served.memory()
            found = measure(raw, load, served, side, arguments.rounds, arguments.seconds)
            lines = [*table(found), "", memory_line(before, served.memory())]
        for line in lines:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


def memory_line(before: list[float], after: list[float]) -> str:
    """Resident memory of the workers around the run."""
    sizes = [", ".join(f"{size:.0f}" for size in each) for each in (before, after)]
    return f"Resident MB of each worker: {sizes[0]} before, {sizes[1]} after."


if __name__ == "__main__":
    main()
