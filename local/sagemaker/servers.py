"""A model server: one instance behind an endpoint.

AWS starts the model's container on an instance, unpacks the model below /opt/ml/model, asks /ping
until it answers 200, then sends it requests, and starts it again when it dies. Here the container
is a child process on a free port of the loopback interface.
"""

import shutil
import socket
import tempfile
import threading
import time
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.sagemaker import images, processes, storage
from local.sagemaker.logs import LogStream, endpoint_group
from local.sagemaker.roles import ExecutionRole

_MODEL_PATH = "/opt/ml/model"
_SECONDS_TO_START = 480
_SECONDS_TO_STOP = 30
_SECONDS_TO_ANSWER = 60
_SECONDS_BETWEEN_PINGS = 0.05
_SECONDS_TO_PING = 2
_SECONDS_BEFORE_RESTART = 0.5

# No proxy: what goes to this machine stays on it.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class StartError(Exception):
    """The server did not start; the message is a FailureReason."""


class ModelServer:
    """One running copy of a model. `in_flight` counts the requests that it is working on."""

    def __init__(
        self,
        endpoint: str,
        variant: str,
        container: dict[str, Any],
        role: ExecutionRole,
        isolated: bool,
    ):
        self.in_flight = 0
        self.ready = False
        self._variant = variant
        self._container = container
        self._role = role
        self._isolated = isolated
        instance = f"i-{uuid.uuid4().hex[:17]}"
        self._folder = Path(tempfile.gettempdir()) / "endpoints" / endpoint / instance
        self._log = LogStream(role, endpoint_group(endpoint), f"{variant}/{instance}")
        self.port = _free_port()
        self._child: processes.Child | None = None
        self._stopped = threading.Event()

    def start(self) -> None:
        """Fetch the model, start the server and wait until it answers; raises StartError."""
        self._fetch_model()
        self._run()
        if not self._wait_for_ping():
            raise StartError(
                f"The primary container for production variant {self._variant} did not pass "
                "the ping health check. Please check CloudWatch logs for this endpoint."
            )
        self.ready = True
        threading.Thread(target=self._keep_running, daemon=True).start()

    def stop(self) -> None:
        """End the server once it has answered the requests it has; returns when it is gone."""
        self._stopped.set()
        self.ready = False
        deadline = time.monotonic() + _SECONDS_TO_ANSWER
        while self.in_flight and time.monotonic() < deadline:
            time.sleep(0.01)
        if self._child:
            self._child.stop(_SECONDS_TO_STOP)
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _fetch_model(self) -> None:
        model = self._folder / "model"
        model.mkdir(parents=True)
        uri = self._container["ModelDataUrl"]
        archive = self._folder / "model.tar.gz"
        try:
            storage.download(self._role.client("s3"), *storage.split(uri), archive)
            storage.unpack(archive, model)
        except (BotoCoreError, ClientError) as error:
            self._log.write(f"{uri}: {error}")
            raise StartError(
                f'Failed to download model data for container "container_1" from URL: "{uri}". '
                "Please ensure that there is an object located at the URL and that the role "
                "passed to CreateModel has permissions to download the object."
            ) from None
        except storage.ArchiveError as error:
            raise StartError(
                f'Failed to extract model data archive from URL "{uri}" for container '
                f'"container_1": {error}. Please ensure that the object located at the URL is a '
                "valid tar.gz archive."
            ) from None
        archive.unlink()

    def _run(self) -> None:
        model = str(self._folder / "model")
        variables = self._container.get("Environment") or {}
        # What network isolation keeps from a container: credentials. This one could still open a
        # connection; what it knows of the local cloud is nothing but its own port.
        credentials = {} if self._isolated else self._role.environment
        env = {
            **processes.environment(self._folder),
            **credentials,
            **{name: value.replace(_MODEL_PATH, model) for name, value in variables.items()},
            "SAGEMAKER_BIND_TO_PORT": str(self.port),
            "SERVE_HOST": "127.0.0.1",
            "SM_MODEL_DIR": model,
        }
        command = images.serving_command(self._container["Image"])
        self._child = processes.Child(command, self._folder, env, self._log.write)

    def _wait_for_ping(self) -> bool:
        deadline = time.monotonic() + _SECONDS_TO_START
        while self._child.running and time.monotonic() < deadline and not self._stopped.is_set():
            try:
                url = f"http://127.0.0.1:{self.port}/ping"
                with _opener.open(url, timeout=_SECONDS_TO_PING) as answer:
                    if answer.status == 200:
                        return True
            except OSError:
                pass
            time.sleep(_SECONDS_BETWEEN_PINGS)
        return False

    def _keep_running(self) -> None:
        """Start the server again whenever it ends."""
        while not self._stopped.is_set():
            status = self._child.wait()
            self.ready = False
            if self._stopped.wait(_SECONDS_BEFORE_RESTART):
                return
            self._log.write(f"the server ended with exit status {status}; starting it again")
            self._run()
            self.ready = self._wait_for_ping()
            if not self.ready:  # or asked to stop while it was being started
                self._child.stop(_SECONDS_TO_STOP)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
