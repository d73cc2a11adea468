"""The service as `sls package` makes it, once for all tests here."""

import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
TEMPLATE = "cloudformation-template-update-stack.json"


class NoStackYet(BaseHTTPRequestHandler):
    """CloudFormation before the first deployment, of which packaging asks for the last layer."""

    def do_POST(self):
        body = (
            b"<ErrorResponse><Error><Code>ValidationError</Code>"
            b"<Message>Stack with id scones-vehicles-dev does not exist</Message>"
            b"</Error></ErrorResponse>"
        )
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(400)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def make_package(folder: Path, *options: str) -> Path:
    """Package the service into the folder, as `sls package` does with these options."""
    with HTTPServer(("127.0.0.1", 0), NoStackYet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment = {
            "HOME": os.environ["HOME"],
            "PATH": os.environ["PATH"],
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
            "NO_PROXY": "127.0.0.1",
            "SLS_TELEMETRY_DISABLED": "1",
        }
        command = ["node_modules/.bin/sls", "package", "--package", folder, *options]
        done = subprocess.run(
            command, cwd=REPOSITORY, env=environment, capture_output=True, text=True
        )
        server.shutdown()
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def node(program: str, *arguments: object, given: object = None, **variables: str) -> object:
    """What a program prints, JSON. It has the arguments, and `given` as JSON on standard input."""
    done = subprocess.run(
        ["node", "-e", program, *map(str, arguments)],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], **variables},
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def package(tmp_path_factory) -> Path:
    """The folder with the templates and archives."""
    return make_package(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="session")
def template_file(package) -> Path:
    """The CloudFormation template."""
    return package / TEMPLATE


@pytest.fixture(scope="session")
def resources(template_file) -> dict:
    """The template's resources by logical ID."""
    return json.loads(template_file.read_text())["Resources"]
