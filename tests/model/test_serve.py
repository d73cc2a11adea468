"""`python model/serve.py` as SageMaker runs it: start, answer, stop."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ports import free_port

from . import served

SERVE = Path(__file__).parents[2] / "model" / "serve.py"


@contextlib.contextmanager
def server(model_dir: Path, workers: int = 2) -> Iterator[tuple[subprocess.Popen, int]]:
    """The server as a process of its own on a free loopback port; killed if it is left running."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "SM_MODEL_DIR": str(model_dir),
        "SERVE_HOST": "127.0.0.1",
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "SAGEMAKER_MODEL_SERVER_WORKERS": str(workers),
    }
    process = subprocess.Popen(
        [sys.executable, SERVE],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process, port
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_until_it_answers(process: subprocess.Popen, port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.request("GET", "/ping")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.05)
    pytest.fail(f"the server did not answer: {process.communicate()[0]}")


@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_ends_the_server_after_the_request_in_flight_is_answered(tmp_path, workers):
    image = served.images(1)
    body = served.encode(image[0], "PNG")
    with server(served.write_model(tmp_path), workers) as (process, port):
        wait_until_it_answers(process, port)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.putrequest("POST", "/invocations")
        connection.putheader("Content-Type", "image/png")
        connection.putheader("Content-Length", str(len(body)))
        connection.putheader("X-Amzn-SageMaker-Inference-Id", "in-flight")
        connection.endheaders(body[:50])
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert process.poll() is None
        connection.send(body[50:])
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        log, _ = process.communicate(timeout=20)

    assert response.status == 200
    assert answer["inferences"][0] == pytest.approx(served.expected(image)[0], abs=1e-6)
    assert process.returncode == 0
    lines = [json.loads(line) for line in log.splitlines()]
    assert [line["status"] for line in lines if line.get("request_id") == "in-flight"] == [200]


def test_a_missing_model_ends_the_server_at_once_with_the_reason(tmp_path):
    with server(tmp_path) as (process, _):
        log, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    line = json.loads(log)
    assert line["level"] == "ERROR"
    assert "the model cannot be served" in line["message"]
    assert str(tmp_path) in line["message"]
