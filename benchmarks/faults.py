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
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from benchmarks.local_cloud import LocalCloud
from benchmarks.workflow import objects, say
from handlers.outcomes import STATUSES
from scripts.bulk import results
from service import datasets, storage
from service.keys import MANIFESTS
from service.stack import Stack, find_stack

BULK, BATCH = 2000, 500
LEAST = 0.99
FUNCTIONS = ("serializeImageData", "classifyImage", "countResults")
POLL_SECONDS = 0.2
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
    s3 = cloud.client("s3", connections=storage.THREADS)
    keys = objects(s3, stack.bucket, datasets.find(s3, stack.bucket)["name"])
    columns = ("design", "faults", "photos", *STATUSES, "as without faults", "seconds")
    say(f"| {' | '.join(columns)} |")
    say(f"|{'---|' * len(columns)}")
    designs = (("classifyBulk", classify_bulk, keys[:BULK]), ("classify", classify, keys[:BATCH]))
    without = {name: run(cloud, stack, photos) for name, run, photos in designs}
    for name, (answers, seconds) in without.items():
        say(_row(name, "none", answers, answers, seconds))
    proxy = Proxy(cloud.address, arguments.percent)
    good = True
    with proxy.serve() as address, faults(cloud, stack, address, arguments.percent):
        for name, run, photos in designs:
            answers, seconds = run(cloud, stack, photos)
            say(_row(name, f"{arguments.percent:g} % each", answers, without[name][0], seconds))
            good &= _same(answers, without[name][0]) >= LEAST
            good &= sorted(key for key, *_ in answers) == sorted(photos)
    say("\nSpoiled: " + ", ".join(f"{count} {what}" for what, count in proxy.spoiled.items()) + ".")
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


def classify_bulk(cloud: LocalCloud, stack: Stack, keys: list[str]) -> tuple[Answers, float]:
    """What became of the photos in one run of classifyBulk, and its seconds."""
    body = "".join(json.dumps({"s3_key": key}) + "\n" for key in keys)
    manifest = {"s3_bucket": stack.bucket, "s3_key": f"{MANIFESTS}faults.jsonl"}
    cloud.client("s3").put_object(Bucket=stack.bucket, Key=manifest["s3_key"], Body=body.encode())
    execution = _run(cloud, stack.bulk_state_machine, {"manifest": manifest})
    found: list[dict] = []
    results.gather(cloud, stack, execution, found.append)
    return _answers(found), _seconds(execution)


def classify(cloud: LocalCloud, stack: Stack, keys: list[str]) -> tuple[Answers, float]:
    """What became of the photos in one execution of classify, and its seconds."""
    execution = _run(cloud, stack.state_machine, {"images": [{"s3_key": key} for key in keys]})
    return _answers(json.loads(execution["output"])["results"]), _seconds(execution)


def _run(cloud: LocalCloud, machine: str, given: dict) -> dict:
    states = cloud.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]
    while (execution := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
        time.sleep(POLL_SECONDS)
    if execution["status"] != "SUCCEEDED":
        raise SystemExit(f"{arn} {execution['status']}: {execution.get('cause')}")
    return execution


def _answers(found: list[dict]) -> Answers:
    return [(result["s3_key"], result["status"], result.get("label")) for result in found]


def _seconds(execution: dict) -> float:
    return (execution["stopDate"] - execution["startDate"]).total_seconds()


def _same(answers: Answers, others: Answers) -> float:
    """The share of the photos that ended in both alike."""
    return sum((Counter(answers) & Counter(others)).values()) / len(others)


def _row(name: str, what: str, answers: Answers, others: Answers, seconds: float) -> str:
    ended = Counter(status for _, status, _ in answers)
    counts = [f"{ended[status]:,}" for status in STATUSES]
    cells = [name, what, f"{len(answers):,}", *counts, f"{_same(answers, others):.2%}"]
    return f"| {' | '.join(cells)} | {seconds:.1f} |"


def _local_faults(cloud: LocalCloud, *options: str) -> None:
    port = str(urlsplit(cloud.address).port)
    command = [sys.executable, "-m", "local", "faults", *options, "--port", port]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
