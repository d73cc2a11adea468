"""What faults do to the answers: `python -m benchmarks.faults [--percent 2]`.

Classifies 2,000 photos with `classifyBulk` and 500 with `classify` on the deployed service, first
as it is, then with three faults at once: so many per cent of the functions' reads from S3 break
off, of the endpoint's answers are a 500, and of Lambda's calls fail in the service. The first two
are made by a proxy between the functions and the local cloud, the third by the local cloud itself.
Exits 1 if a photo has no result or two, or if fewer than 99 of 100 end as without faults.
"""

import argparse
import contextlib
import http.client
import json
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from benchmarks.designs import BATCH, OBJECTS, Designs, Run, put_objects
from benchmarks.local_cloud import LocalCloud
from handlers.outcomes import STATUSES
from scripts.bulk import results
from service import storage
from service.stack import Stack, find_stack

PHOTOS = {"classifyBulk": OBJECTS, "classify": BATCH}
LEAST = 0.99
FUNCTIONS = ("serializeImageData", "classifyImage", "countResults")
HOP_BY_HOP = {"connection", "transfer-encoding", "content-length"}

Answers = list[tuple[str, str, str | None]]  # of each photo its key, its status, its label


@dataclass
class Proxy:
    """Passes requests on to the local cloud, and spoils so many per cent of the answers.

    `spoiled` counts what it did: bodies of S3 that broke off, and 500s of the endpoint.
    """

    cloud: str
    percent: float
    spoiled: Counter = field(default_factory=Counter)

    @contextlib.contextmanager
    def serve(self) -> Iterator[str]:
        """Serve on a loopback port; yields the address."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy, cloud, chance = self, urlsplit(self.cloud), random.Random(0)  # noqa: S311
        hit = lambda: chance.random() * 100 < proxy.percent  # noqa: E731

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._pass_on(cut=hit())

            def do_PUT(self) -> None:
                self._pass_on()

            def do_POST(self) -> None:
                if hit():
                    proxy.spoiled["answers of the endpoint"] += 1
                    self.rfile.read(int(self.headers["Content-Length"]))
                    headers = {"x-amzn-errortype": "InternalFailure"}
                    self._answer(500, headers, b'{"message": "a fault on purpose"}')
                else:
                    self._pass_on()

            def _pass_on(self, cut: bool = False) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                connection = http.client.HTTPConnection(cloud.hostname, cloud.port, timeout=60)
                connection.request(self.command, self.path, body, dict(self.headers))
                answer = connection.getresponse()
                self._answer(answer.status, dict(answer.headers), answer.read(), cut)
                connection.close()

            def _answer(self, status: int, headers: dict, body: bytes, cut: bool = False) -> None:
                self.send_response_only(status)
                for name, value in headers.items():
                    if name.lower() not in HOP_BY_HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if cut and body:
                    proxy.spoiled["bodies of S3"] += 1
                    self.close_connection = True
                    body = body[: len(body) // 2]
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def main() -> int:
    """Print the table; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--stage", default="dev")
    parser.add_argument("--percent", type=float, default=2)
    arguments = parser.parse_args()
    cloud = LocalCloud()
    stack = find_stack(cloud, arguments.stage)
    objects = put_objects(cloud.client("s3", connections=storage.THREADS), stack.bucket)
    designs = Designs(cloud, stack, objects)
    columns = ("design", "faults", "photos", *STATUSES, "as without faults", "seconds")
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    without = {}
    for name, photos in PHOTOS.items():
        run = designs.by_name[name](photos)
        without[name] = answers = list_answers(cloud, stack, run)
        print_row(run, "none", answers, answers)
    proxy = Proxy(cloud.address, arguments.percent)
    good = True
    with proxy.serve() as address, faults(cloud, stack, address, arguments.percent):
        for name, photos in PHOTOS.items():
            run = designs.by_name[name](photos)
            answers = list_answers(cloud, stack, run)
            print_row(run, f"{arguments.percent:g} % each", answers, without[name])
            good &= share_alike(answers, without[name]) >= LEAST
            good &= sorted(key for key, *_ in answers) == objects[:photos]
    print(
        "\nSpoiled: " + ", ".join(f"{count} {what}" for what, count in proxy.spoiled.items()) + "."
    )
    return 0 if good else 1


@contextlib.contextmanager
def faults(cloud: LocalCloud, stack: Stack, address: str, percent: float) -> Iterator[None]:
    """Send the functions through the proxy, and let Lambda fail, meanwhile."""
    functions = cloud.client("lambda")
    by_name = {name: f"{stack.endpoint}-{name}" for name in FUNCTIONS}
    before = {
        function: functions.get_function_configuration(FunctionName=function)["Environment"]
        for function in by_name.values()
    }
    through = {"AWS_ENDPOINT_URL_S3": address, "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": address}
    try:
        for function, environment in before.items():
            variables = {"Variables": environment["Variables"] | through}
            functions.update_function_configuration(FunctionName=function, Environment=variables)
        _local_faults(cloud, "--lambda-failures", f"{percent:g}")
        yield
    finally:
        _local_faults(cloud)
        for function, environment in before.items():
            functions.update_function_configuration(FunctionName=function, Environment=environment)


def list_answers(cloud: LocalCloud, stack: Stack, run: Run) -> Answers:
    """Return what became of the photos in a run, which must have succeeded."""
    [execution] = run.executions
    if execution["status"] != "SUCCEEDED":
        raise SystemExit(f"{run.design} {execution['status']}: {execution.get('cause')}")
    found: list[dict] = []
    if run.design == "classifyBulk":
        results.gather(cloud, stack, execution, found.append)
    else:
        found = json.loads(execution["output"])["results"]
    return [(result["s3_key"], result["status"], result.get("label")) for result in found]


def share_alike(answers: Answers, others: Answers) -> float:
    """Return the share of the photos that ended in both alike."""
    return sum((Counter(answers) & Counter(others)).values()) / len(others)


def print_row(run: Run, what: str, answers: Answers, others: Answers) -> None:
    """Print a row of the table."""
    ended = Counter(status for _, status, _ in answers)
    counts = [f"{ended[status]:,}" for status in STATUSES]
    cells = [run.design, what, f"{len(answers):,}", *counts, f"{share_alike(answers, others):.2%}"]
    print(f"| {' | '.join(cells)} | {run.seconds:.1f} |", flush=True)


def _local_faults(cloud: LocalCloud, *options: str) -> None:
    port = str(urlsplit(cloud.address).port)
    command = [sys.executable, "-m", "local", "faults", *options, "--port", port]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
