"""An endpoint: variants that share its traffic, replaced without a gap.

AWS starts a new configuration's servers beside the old ones, moves the traffic when all of them
answer, and then ends the old ones. If the new ones do not answer, the old ones never notice.
"""

import logging
import random
import threading
import time
from dataclasses import dataclass
from typing import Any

from local.sagemaker.capture import DataCapture
from local.sagemaker.records import Record, Scope
from local.sagemaker.roles import ExecutionRole
from local.sagemaker.serving import ModelServer, StartError, start_all, stop_all

_logger = logging.getLogger(__name__)


@dataclass
class Variant:
    """A production variant and the servers of its model."""

    name: str
    instance_type: str
    weight: float
    specified_image: str
    resolved_image: str | None  # None: it is in ECR no longer
    role: ExecutionRole
    servers: list[ModelServer]


class Deployment:
    """An endpoint configuration at work; what is captured may be that of the one before."""

    def __init__(
        self,
        endpoint: str,
        config: Record,
        variants: list[Variant],
        capture: dict[str, Any] | None,
    ):
        self.config = config
        self.variants = {variant.name: variant for variant in variants}
        self.deployed = time.time()
        self.capture_config = capture
        enabled = capture and capture.get("EnableCapture", True)
        self.capture = DataCapture(endpoint, capture) if enabled else None

    @property
    def servers(self) -> list[ModelServer]:
        """The servers of all variants."""
        return [server for variant in self.variants.values() for server in variant.servers]

    def start(self) -> None:
        """Start all servers; raises StartError, with none left, if one does not."""
        try:
            for variant in self.variants.values():
                if variant.resolved_image is None:
                    raise StartError(f"The image '{variant.specified_image}' does not exist.")
            start_all(self.servers)
        except Exception:
            self.stop()
            raise

    def stop(self) -> None:
        """End the servers when they have answered, and write what was captured."""
        stop_all(self.servers)
        if self.capture:
            self.capture.close()


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
    def variants(self) -> dict[str, Variant]:
        """The variants at work, by name."""
        deployment = self._deployment
        return deployment.variants if deployment else {}

    @property
    def capture_config(self) -> dict[str, Any] | None:
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

    def delete(self, forget: Any) -> None:
        """End what runs and then call `forget`; returns at once."""
        self._change("Deleting")
        with self._lock:
            deployment, self._deployment = self._deployment, None

        def run() -> None:
            if deployment:
                deployment.stop()
            forget()

        threading.Thread(target=run, daemon=True).start()

    def choose(self, target: str | None) -> tuple[Deployment, Variant, ModelServer | None] | None:
        """Where the next request goes; None if nothing is deployed.

        The server is None if none of the variant's is ready; else the request counts as one of its
        `in_flight`, and the caller takes it off again. KeyError: no such target variant.
        """
        with self._lock:
            deployment = self._deployment
            if not deployment:
                return None
            if target:
                variant = deployment.variants[target]
            else:
                variants = list(deployment.variants.values())
                weights = [variant.weight for variant in variants]
                chosen = random.choices(variants, weights if any(weights) else None)  # noqa: S311
                variant = chosen[0]
            ready = [server for server in variant.servers if server.ready]
            server = min(ready, key=lambda server: server.in_flight) if ready else None
            if server:
                server.in_flight += 1
            return deployment, variant, server

    def describe(self) -> dict[str, Any]:
        """The answer of DescribeEndpoint."""
        described = {
            **self.summary(),
            "EndpointConfigName": self._config.name,
        }
        if self._failure_reason:
            described["FailureReason"] = self._failure_reason
        deployment = self._deployment
        if deployment:
            described["ProductionVariants"] = [
                _describe_variant(variant, deployment) for variant in deployment.variants.values()
            ]
        capture = self.capture_config
        if capture:
            enabled = capture.get("EnableCapture", True)
            started = enabled and deployment is not None
            described["DataCaptureConfig"] = {
                "EnableCapture": enabled,
                "CaptureStatus": "Started" if started else "Stopped",
                "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
                "DestinationS3Uri": capture["DestinationS3Uri"],
                "KmsKeyId": "",
            }
        return described

    def summary(self) -> dict[str, Any]:
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


def _describe_variant(variant: Variant, deployment: Deployment) -> dict[str, Any]:
    count = len(variant.servers)
    image = {
        "SpecifiedImage": variant.specified_image,
        "ResolvedImage": variant.resolved_image,
        "ResolutionTime": deployment.deployed,
    }
    return {
        "VariantName": variant.name,
        "DeployedImages": [image],
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.weight,
        "CurrentInstanceCount": count,
        "DesiredInstanceCount": count,
    }
