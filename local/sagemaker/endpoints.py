"""An endpoint: the servers of its variant, replaced without a gap.

AWS starts a new configuration's servers beside the old ones, moves the traffic when all of them
answer, and then ends the old ones. If the new ones do not answer, the old ones never notice.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from local.sagemaker.capture import DataCapture
from local.sagemaker.records import Record, Request, Scope
from local.sagemaker.roles import ExecutionRole
from local.sagemaker.servers import ModelServer, StartError, start_all, stop_all

_logger = logging.getLogger(__name__)


@dataclass
class Variant:
    """A production variant and the servers of its model."""

    name: str
    instance_type: str
    specified_image: str
    resolved_image: str | None  # None: it is in ECR no longer
    role: ExecutionRole
    servers: list[ModelServer]


class Deployment:
    """An endpoint configuration at work; what is captured may be that of the one before."""

    def __init__(self, endpoint: str, config: Record, variant: Variant, capture: Request | None):
        self.config = config
        self.variant = variant
        self.deployed = time.time()
        self.capture_config = capture
        enabled = capture and capture.get("EnableCapture", True)
        self.capture = DataCapture(endpoint, capture) if enabled else None

    def start(self) -> None:
        """Start all servers; raises StartError, with none left, if one does not."""
        variant = self.variant
        try:
            if variant.resolved_image is None:
                raise StartError(f"The image '{variant.specified_image}' does not exist.")
            start_all(variant.servers)
        except Exception:
            self.stop()
            raise

    def stop(self) -> None:
        """End the servers when they have answered, and write what was captured."""
        stop_all(self.variant.servers)
        if self.capture:
            self.capture.close()

    def describe(self) -> Request:
        """The variant's entry in DescribeEndpoint."""
        count = len(self.variant.servers)
        image = {
            "SpecifiedImage": self.variant.specified_image,
            "ResolvedImage": self.variant.resolved_image,
            "ResolutionTime": self.deployed,
        }
        return {
            "VariantName": self.variant.name,
            "DeployedImages": [image],
            "CurrentWeight": 1.0,
            "DesiredWeight": 1.0,
            "CurrentInstanceCount": count,
            "DesiredInstanceCount": count,
        }


class Endpoint:
    """An endpoint's record and what runs behind it."""

    def __init__(self, name: str, scope: Scope, config: Record):
        self.name = name
        self.arn = scope.arn("endpoint", name)
        self.created = self.modified = time.time()
        self.status = "Creating"
        self._config = config
        self._failure_reason: str | None = None
        self._deployment: Deployment | None = None
        self._lock = threading.Lock()

    @property
    def variant(self) -> Variant | None:
        """The variant at work."""
        deployment = self._deployment
        return deployment.variant if deployment else None

    @property
    def capture_config(self) -> Request | None:
        """The DataCaptureConfig at work or, while nothing is, of the endpoint's configuration."""
        deployment = self._deployment
        if deployment:
            return deployment.capture_config
        return self._config.request.get("DataCaptureConfig")

    def deploy(self, deployment: Deployment, status: str) -> None:
        """Put the deployment in the place of the present one; returns at once.

        `status` is the endpoint's until then: Creating or Updating.
        """
        self._change(status)
        threading.Thread(target=self._deploy, args=(deployment,), daemon=True).start()

    def delete(self, forget: Callable[[], object]) -> None:
        """End what runs and then call `forget`; returns at once."""
        self._change("Deleting")
        with self._lock:
            deployment, self._deployment = self._deployment, None

        def run() -> None:
            if deployment:
                deployment.stop()
            forget()

        threading.Thread(target=run, daemon=True).start()

    def choose(self) -> tuple[Deployment, ModelServer | None] | None:
        """Where the next request goes; None if nothing is deployed.

        The server is None if none is ready; else the request counts as one of its `in_flight`, and
        the caller takes it off again.
        """
        with self._lock:
            deployment = self._deployment
            if not deployment:
                return None
            ready = [server for server in deployment.variant.servers if server.ready]
            server = min(ready, key=lambda server: server.in_flight) if ready else None
            if server:
                server.in_flight += 1
            return deployment, server

    def describe(self) -> Request:
        """The answer of DescribeEndpoint."""
        described = self.summary() | {"EndpointConfigName": self._config.name}
        if self._failure_reason:
            described["FailureReason"] = self._failure_reason
        deployment, capture = self._deployment, self.capture_config
        if deployment:
            described["ProductionVariants"] = [deployment.describe()]
        if capture:
            enabled = capture.get("EnableCapture", True)
            described["DataCaptureConfig"] = {
                "EnableCapture": enabled,
                "CaptureStatus": "Started" if enabled and deployment else "Stopped",
                "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
                "DestinationS3Uri": capture["DestinationS3Uri"],
                "KmsKeyId": "",
            }
        return described

    def summary(self) -> Request:
        """The endpoint's entry in ListEndpoints."""
        return {
            "EndpointName": self.name,
            "EndpointArn": self.arn,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "EndpointStatus": self.status,
        }

    def _change(self, status: str) -> None:
        self.modified = time.time()
        self.status = status

    def _deploy(self, deployment: Deployment) -> None:
        try:
            deployment.start()
        except StartError as error:
            self._failure_reason = str(error)
        except Exception:
            _logger.exception("endpoint %s", self.name)
            self._failure_reason = (
                "Request to service failed. If failure persists after retry, "
                "contact customer support."
            )
        else:
            with self._lock:
                old, self._deployment = self._deployment, deployment
            self._config = deployment.config
            self._failure_reason = None
            self._change("InService")
            if old:
                old.stop()
            return
        self._change("InService" if self._deployment else "Failed")
