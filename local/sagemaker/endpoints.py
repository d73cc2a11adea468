"""An endpoint: the servers of its variant, replaced without a gap.

AWS starts a new configuration's servers beside the old ones, moves the traffic when all of them
answer, and then ends the old ones. If the new ones do not answer, the old ones never notice.
"""

import contextvars
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local.sagemaker import images, records, roles
from local.sagemaker.capture import DataCapture
from local.sagemaker.records import Record
from local.sagemaker.requests import Request, ServiceError
from local.sagemaker.servers import ModelServer, StartError

_logger = logging.getLogger(__name__)


class Deployment:
    """An endpoint configuration at work: its variant, the servers of that, and Data Capture.

    `count` is the number of servers, where it is another than the configuration's.
    """

    def __init__(self, endpoint: str, config: Record, count: int | None = None):
        (variant,) = config.request["ProductionVariants"]
        model = records.find("model", variant["ModelName"]).request
        container = model["PrimaryContainer"]
        self.config = config
        self.variant: str = variant["VariantName"]
        self._image = container["Image"]
        role = roles.assume(model["ExecutionRoleArn"])
        isolated = model.get("EnableNetworkIsolation", False)
        self.servers = [
            ModelServer(endpoint, self.variant, container, role, isolated)
            for _ in range(count or variant["InitialInstanceCount"])
        ]
        capture = config.request.get("DataCaptureConfig")
        enabled = capture and capture.get("EnableCapture", True)
        self.capture = DataCapture(endpoint, self.variant, role, capture) if enabled else None

    def start(self) -> None:
        """Start all servers; raises StartError or ServiceError, with none left, if one does not."""
        try:
            images.check_serving_image(self._image)  # it was there when the model was created
            self._on_all_servers(ModelServer.start)
        except Exception:
            self.stop()
            raise

    def stop(self) -> None:
        """End the servers when they have answered, and write what was captured."""
        self._on_all_servers(ModelServer.stop)
        if self.capture:
            self.capture.close()

    def describe(self) -> Request:
        """The variant's entry in DescribeEndpoint."""
        count = len(self.servers)
        return {
            "VariantName": self.variant,
            "CurrentInstanceCount": count,
            "DesiredInstanceCount": count,
        }

    def _on_all_servers(self, call: Callable[[ModelServer], None]) -> None:
        """Make the call for all servers at once; raises the first error once all have returned."""
        with ThreadPoolExecutor(len(self.servers)) as pool:
            list(pool.map(call, self.servers))


class Endpoint(Record):
    """An endpoint's record and its deployment, None while there is none."""

    def __init__(self, request: Request, config: Record):
        super().__init__("endpoint", request)
        self.deployment: Deployment | None = None
        self.status = "Creating"
        self._modified = self.created
        self._config = config
        self._failure_reason = ""
        self._lock = threading.Lock()

    def deploy(self, deployment: Deployment, status: str) -> None:
        """Put the deployment in the place of the present one; returns at once.

        `status` is the endpoint's until then: Creating or Updating.
        """
        self._change(status)
        self._start(self._deploy, deployment)

    def delete(self) -> None:
        """End the servers, then forget the endpoint; returns at once."""
        self._change("Deleting")
        with self._lock:
            deployment, self.deployment = self.deployment, None
        self._start(self._delete, deployment)

    def choose(self) -> tuple[Deployment, ModelServer | None] | None:
        """Where the next request goes; None if nothing is deployed.

        The server is None if none is ready; else the request counts as one of its `in_flight`, and
        the caller takes it off again.
        """
        with self._lock:
            deployment = self.deployment
            if not deployment:
                return None
            ready = [server for server in deployment.servers if server.ready]
            server = min(ready, key=lambda server: server.in_flight) if ready else None
            if server:
                server.in_flight += 1
            return deployment, server

    def describe(self) -> Request:
        """The answer of DescribeEndpoint."""
        deployment, capture = self.deployment, self._config.request.get("DataCaptureConfig")
        described = super().describe() | {
            "EndpointStatus": self.status,
            "EndpointConfigName": self._config.name,
            "LastModifiedTime": self._modified,
        }
        if self._failure_reason:
            described["FailureReason"] = self._failure_reason
        if deployment:
            described["ProductionVariants"] = [deployment.describe()]
        if capture:
            enabled = capture.get("EnableCapture", True)
            described["DataCaptureConfig"] = {
                "EnableCapture": enabled,
                "CaptureStatus": "Started" if enabled and deployment else "Stopped",
                "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
                "DestinationS3Uri": capture["DestinationS3Uri"],
            }
        return described

    def _change(self, status: str) -> None:
        self._modified = time.time()
        self.status = status

    def _start(self, *call: Any) -> None:
        """Call from a thread, for the account and region of the request."""
        threading.Thread(target=contextvars.copy_context().run, args=call, daemon=True).start()

    def _delete(self, deployment: Deployment | None) -> None:
        if deployment:
            deployment.stop()
        records.tables["endpoint"].pop(self.name)

    def _deploy(self, deployment: Deployment) -> None:
        try:
            deployment.start()
        except (StartError, ServiceError) as error:
            self._failure_reason = str(error)
        except Exception:
            _logger.exception("endpoint %s", self.name)
            self._failure_reason = "Request to service failed."
        else:
            with self._lock:
                old, self.deployment = self.deployment, deployment
            self._config = deployment.config
            self._failure_reason = ""
            self._change("InService")
            if old:
                old.stop()
            return
        self._change("InService" if self.deployment else "Failed")
