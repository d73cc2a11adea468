"""`sls invoke stepf` with plugins/invoke-stepf.js, against services that follow a script."""

import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.infrastructure.conftest import REPOSITORY

# Each starts the Serverless Framework, which takes seconds; test_commands.py has the usual ways.
pytestmark = pytest.mark.proof

ARN = "arn:aws:states:us-east-1:123456789012:execution:classify:first"
OUTPUTS = (
    "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><Outputs><member>"
    "<OutputKey>ClassifyStateMachineArn</OutputKey><OutputValue>machine</OutputValue>"
    "</member></Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
)


class Services(BaseHTTPRequestHandler):
    """CloudFormation with the stack's outputs, and Step Functions with one execution."""

    def do_POST(self):
        request = self.rfile.read(int(self.headers["Content-Length"]))
        match self.headers.get("X-Amz-Target", "").rpartition(".")[2]:
            case "StartExecution":
                self.server.inputs.append(json.loads(json.loads(request)["input"]))
                self.answer(json.dumps({"executionArn": ARN, "startDate": 0}), "x-amz-json-1.0")
            case "DescribeExecution":
                execution = {"executionArn": ARN, "status": self.server.statuses.pop(0)}
                if execution["status"] == "FAILED":
                    execution |= {"error": "InvalidBatch", "cause": "the batch has no images"}
                self.answer(json.dumps(execution), "x-amz-json-1.0")
            case "":
                self.answer(OUTPUTS, "xml")

    def answer(self, text: str, kind: str):
        self.send_response(200)
        self.send_header("Content-Type", f"application/{kind}")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def services():
    with HTTPServer(("127.0.0.1", 0), Services) as server:
        server.inputs, server.statuses = [], []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def invoke(data: str, port: int = 9) -> subprocess.CompletedProcess:
    environment = {
        "HOME": os.environ["HOME"],
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "NO_PROXY": "127.0.0.1",
        "NODE_NO_WARNINGS": "1",
        "SLS_TELEMETRY_DISABLED": "1",
    }
    command = ["node_modules/.bin/sls", "invoke", "stepf", "--name", "classify", "--data", data]
    return subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize(
    ("status", "code"), [("SUCCEEDED", 0), ("FAILED", 1), ("ABORTED", 1), ("TIMED_OUT", 1)]
)
def test_only_an_execution_that_succeeded_exits_with_0(services, status, code):
    services.statuses = ["RUNNING", "RUNNING", status]
    done = invoke('{"images": []}', services.server_port)
    execution = json.loads(done.stdout)
    assert (done.returncode, execution["status"]) == (code, status)
    if status == "FAILED":
        assert execution["error"] == "InvalidBatch"
        assert execution["cause"] == "the batch has no images"
        assert "FAILED: InvalidBatch" in done.stderr


@pytest.mark.parametrize(("prefix", "encoding"), [("", "utf-8"), ("@", "utf-8"), ("", "utf-8-sig")])
def test_data_may_name_a_file(services, tmp_path, prefix, encoding):
    services.statuses = ["SUCCEEDED"]
    batch = {"images": [{"s3_key": "été.png"}]}
    text = json.dumps(batch, ensure_ascii=False)
    (tmp_path / "batch.json").write_text(text, encoding=encoding)
    assert invoke(f"{prefix}{tmp_path}/batch.json", services.server_port).returncode == 0
    assert services.inputs == [batch]


@pytest.mark.parametrize("data", ["nosuch.json", "{", "config.yml"])
def test_data_that_is_neither_json_nor_a_file_of_it_is_one_line_and_exit_1(data):
    done = invoke(data)
    assert done.returncode == 1
    [line] = (done.stdout + done.stderr).strip().splitlines()
    assert line.startswith(f"--data {data}")
