"""Models, endpoint configurations and the endpoint of a stage."""

import re
import time
from collections.abc import Iterator
from typing import NoReturn

from botocore.exceptions import ClientError

from scripts import cli
from scripts.progress import Waiting

LOG_GROUP = "/aws/sagemaker/Endpoints"
VARIANT = "AllTraffic"
POLL_SECONDS = 1
SETTLED = ("InService", "OutOfService", "Failed", "UpdateRollbackFailed")
BROKEN = ("OutOfService", "Failed")


class Hosting:
    """What SageMaker hosts for one stage. All names start with the service's name and the stage."""

    def __init__(self, sagemaker, service: str, endpoint: str):
        self._sagemaker = sagemaker
        self._service = service
        self._own = re.compile(rf"{re.escape(service)}-\d{{14}}")
        self.endpoint = endpoint

    def newest_model(self) -> str:
        """Return the S3 URI of the newest completed training job's model. UserError if none."""
        for job in self.jobs("Completed"):
            return job["ModelArtifacts"]["S3ModelArtifacts"]
        raise cli.UserError(
            f"No training job of {self._service} has completed yet. Train: python -m scripts.train"
        )

    def served_model(self) -> str | None:
        """Return the S3 URI of the model that the endpoint serves, or None where it has none."""
        endpoint = self.describe()
        if endpoint is None or endpoint["EndpointStatus"] != "InService":
            return None
        configuration = self._sagemaker.describe_endpoint_config(
            EndpointConfigName=endpoint["EndpointConfigName"]
        )
        model = self._sagemaker.describe_model(
            ModelName=configuration["ProductionVariants"][0]["ModelName"]
        )
        return model["PrimaryContainer"]["ModelDataUrl"]

    def served_job(self) -> dict | None:
        """Describe the training job whose model the endpoint serves, or None where it has none."""
        served = self.served_model()
        if served is None:
            return None
        for job in self.jobs("Completed"):
            if job["ModelArtifacts"]["S3ModelArtifacts"] == served:
                return job
        return None

    def jobs(self, status: str) -> Iterator[dict]:
        """Describe this stage's training jobs of that status, the newest first."""
        pages = self._sagemaker.get_paginator("list_training_jobs").paginate(
            NameContains=self._service,
            StatusEquals=status,
            SortBy="CreationTime",
            SortOrder="Descending",
        )
        for page in pages:
            for job in page["TrainingJobSummaries"]:
                if self._own.fullmatch(job["TrainingJobName"]):
                    yield self._sagemaker.describe_training_job(
                        TrainingJobName=job["TrainingJobName"]
                    )

    def describe(self) -> dict | None:
        """Return DescribeEndpoint's answer, or None where there is no endpoint."""
        try:
            return self._sagemaker.describe_endpoint(EndpointName=self.endpoint)
        except ClientError as error:
            if _is_missing(error):
                return None
            raise

    def instance_count(self) -> int:
        """Return how many instances the endpoint has, or is about to have; 0 without one."""
        variants = (self.describe() or {}).get("ProductionVariants", [])
        return sum(variant["DesiredInstanceCount"] for variant in variants)

    def settle(self) -> dict | None:
        """Wait while the endpoint is changing, then describe it."""
        waiting = Waiting("Endpoint")
        while True:
            endpoint = self.describe()
            if endpoint is None or endpoint["EndpointStatus"] in SETTLED:
                waiting.clear()
                return endpoint
            waiting.show(endpoint["EndpointStatus"])
            time.sleep(POLL_SECONDS)

    def roll_out(self, model: dict, variant: dict, capture: dict) -> None:
        """Make the endpoint serve a new model, or leave it as it was and raise UserError.

        model: CreateModel's arguments but the name; variant: of ProductionVariant, the
        instances; capture: DataCaptureConfig.
        """
        name = f"{self._service}-{time.strftime('%Y%m%d%H%M%S')}"
        before = self.settle()
        if before is not None and before["EndpointStatus"] in BROKEN:
            # SageMaker updates no endpoint that failed: it has to go and come again.
            self._delete_endpoint()
            before = None
        try:
            self._change(before, name, model, variant, capture)
        except ClientError:
            self._delete_configurations(keep={before["EndpointConfigName"]} if before else set())
            raise
        after = self.settle()
        if (
            after is None
            or after["EndpointStatus"] != "InService"
            or after["EndpointConfigName"] != name
        ):
            self._give_up(before, after)
        self._delete_configurations(keep={name})

    def _change(
        self, before: dict | None, name: str, model: dict, variant: dict, capture: dict
    ) -> None:
        self._sagemaker.create_model(ModelName=name, **model)
        self._sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[{"VariantName": VARIANT, "ModelName": name, **variant}],
            DataCaptureConfig=capture,
        )
        change = self._sagemaker.update_endpoint if before else self._sagemaker.create_endpoint
        change(EndpointName=self.endpoint, EndpointConfigName=name)

    def _give_up(self, before: dict | None, after: dict | None) -> NoReturn:
        """Tidy up after a roll-out that failed, and raise UserError with the reason."""
        if before is None:
            self.delete()
            outcome = "could not be created"
        else:
            in_use = {endpoint["EndpointConfigName"] for endpoint in (before, after) if endpoint}
            self._delete_configurations(keep=in_use)
            outcome = f"could not be updated and is {after['EndpointStatus'] if after else 'gone'}"
        reason = cli.one_line((after or {}).get("FailureReason", "no reason given"), 300)
        raise cli.UserError(
            f"The endpoint {self.endpoint} {outcome}: {reason} "
            f"(log group {LOG_GROUP}/{self.endpoint})"
        )

    def delete(self) -> bool:
        """Remove the stage's endpoint, configurations and models. False if there were none."""
        found = self.settle() is not None
        if found:
            self._delete_endpoint()
        return bool(self._delete_configurations(keep=set())) or found

    def _delete_endpoint(self) -> None:
        self._sagemaker.delete_endpoint(EndpointName=self.endpoint)
        self.settle()

    def _delete_configurations(self, keep: set[str]) -> int:
        count = 0
        for name in list(self._names("endpoint_configs", "EndpointConfigs", "EndpointConfigName")):
            if name not in keep:
                self._sagemaker.delete_endpoint_config(EndpointConfigName=name)
                count += 1
        for name in list(self._names("models", "Models", "ModelName")):
            if name not in keep:
                self._sagemaker.delete_model(ModelName=name)
                count += 1
        return count

    def _names(self, operation: str, items: str, field: str) -> Iterator[str]:
        """Yield the names that this stage's roll-outs gave; another stage's may begin alike."""
        pages = self._sagemaker.get_paginator(f"list_{operation}")
        for page in pages.paginate(NameContains=self._service):
            for item in page[items]:
                if self._own.fullmatch(item[field]):
                    yield item[field]


def _is_missing(error: ClientError) -> bool:
    return "Could not find" in error.response["Error"]["Message"]
