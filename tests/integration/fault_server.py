"""A model endpoint that misbehaves on purpose, spoken to by InvokeEndpoint."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, dict[str, str], bytes]


def error(status: int, code: str, message: str) -> Answer:
    """An error as SageMaker's runtime answers it."""
    return status, {"x-amzn-errortype": code}, json.dumps({"message": message}).encode()


def answer(body: object) -> Answer:
    """A model's answer in JSON."""
    return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()


def slow(seconds: float, then: Answer) -> Callable[[int], Answer]:
    """Answer late."""

    def respond(_: int) -> Answer:
        time.sleep(seconds)
        return then

    return respond


@contextmanager
def fault_server(respond: Callable[[int], Answer]):
    """Serve `respond(number of the request, from 0)` on a loopback port; yields (url, requests)."""
    requests: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            number = len(requests)
            requests.append(self.path)
            status, headers, body = respond(number)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def configured(service, **variables: str):
    """Give the classifying function other environment variables for a while."""
    functions, function = service.client("lambda"), f"scones-vehicles-{service.stage}-classifyImage"
    before = functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    functions.update_function_configuration(
        FunctionName=function, Environment={"Variables": {**before, **variables}}
    )
    try:
        yield
    finally:
        functions.update_function_configuration(
            FunctionName=function, Environment={"Variables": before}
        )


@contextmanager
def endpoint(service, respond):
    """Let the classifying function talk to a fault server; yields the list of requests it got."""
    with (
        fault_server(respond) as (url, requests),
        configured(service, AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME=url),
    ):
        yield requests
