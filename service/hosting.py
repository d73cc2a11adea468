"""Models, endpoint configurations and the endpoint of a stage."""

import re
import secrets
import string
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NoReturn

from botocore.exceptions import ClientError

from service import aws_errors, terminal
from service.storage import split_uri
from service.terminal import Waiting

LOG_GROUP = "/aws/sagemaker/Endpoints"
VARIANT = "AllTraffic"
POLL_SECONDS = 1
SETTLED = ("InService", "OutOfService", "Failed", "UpdateRollbackFailed")
BROKEN = ("OutOfService", "Failed")
ABOUT_A_QUOTA = ("ResourceLimitExceeded", "service limit")  # in FailureReason
# Texts of AWS's refusals while another roll-out is under way.
REFUSED_AS_BUSY = ("Cannot update in-progress endpoint", "Cannot create already existing endpoint ")
# Only for endpoints that scale: AWS keeps the instances that scaling has added, and Data Capture
# follows config.yml. The API reference calls DataCaptureConfig "not currently supported" here, so
# other endpoints are updated without it.
KEEP_INSTANCE_COUNT = {
    "RetainAllVariantProperties": True,
    "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DataCaptureConfig"}],
}


def add_mark(name: str) -> str:
    """Return the name with a random mark, such as `scones-vehicles-dev-K7QX`.

    The mark keeps two people apart who start in the same second. It begins with a capital letter,
    which no stage's name has: so no name is taken for one of a stage whose name begins alike.
    """
    rest = (secrets.choice(string.ascii_uppercase + string.digits) for _ in range(3))
    return f"{name}-{secrets.choice(string.ascii_uppercase)}{''.join(rest)}"


class Hosting:
    """The endpoint of a stage, whose name is the stack's, its models, and the stage's jobs."""

    def __init__(self, sagemaker, endpoint: str):
        self._sagemaker = sagemaker
        self.endpoint = endpoint
        self._wait = f"aws sagemaker wait endpoint-in-service --endpoint-name {endpoint}"
        # Names of earlier versions have no mark.
        self._own_name = re.compile(rf"{re.escape(endpoint)}(-[A-Z][A-Z0-9]{{3}})?-\d{{14}}")

    def newest_model(self, bucket: str) -> str:
        """Return the S3 URI of the newest completed training job's model. UserError if none."""
        if job := next(self.jobs("Completed", bucket), None):
            return job["ModelArtifacts"]["S3ModelArtifacts"]
        raise terminal.UserError(
            f"No training job of {self.endpoint} that writes to {bucket} has completed yet. "
            "Train: python -m scripts.train (same --stage)"
        )

    def served_model(self) -> str | None:
        """Return the S3 URI of the model that the endpoint serves; None if it is not in service."""
        endpoint = self.describe()
        if endpoint is None or endpoint["EndpointStatus"] != "InService":
            return None
        name = endpoint["EndpointConfigName"]
        configuration = self._sagemaker.describe_endpoint_config(EndpointConfigName=name)
        variant = configuration["ProductionVariants"][0]
        model = self._sagemaker.describe_model(ModelName=variant["ModelName"])
        return model["PrimaryContainer"]["ModelDataUrl"]

    def served_job(self) -> dict | None:
        """Describe the training job whose model the endpoint serves; None if there is none."""
        model = self.served_model()
        jobs = self.jobs("Completed", split_uri(model)[0]) if model else ()
        return next((j for j in jobs if j["ModelArtifacts"]["S3ModelArtifacts"] == model), None)

    def jobs(self, status: str, bucket: str) -> Iterator[dict]:
        """Describe this stage's training jobs of that status, the newest first.

        Jobs outlive the stack, whose roles may not read the bucket of an earlier stack: only jobs
        count whose model lies in this bucket.
        """
        pages = self._sagemaker.get_paginator("list_training_jobs").paginate(
            NameContains=self.endpoint,
            StatusEquals=status,
            SortBy="CreationTime",
            SortOrder="Descending",
        )
        for page in pages:
            for summary in page["TrainingJobSummaries"]:
                name = summary["TrainingJobName"]
                if self._own_name.fullmatch(name):
                    job = self._sagemaker.describe_training_job(TrainingJobName=name)
                    if job["OutputDataConfig"]["S3OutputPath"].startswith(f"s3://{bucket}/"):
                        yield job

    def describe(self) -> dict | None:
        """Return DescribeEndpoint's answer; None if there is no endpoint."""
        return _call(self._sagemaker.describe_endpoint, EndpointName=self.endpoint)

    def instance_type(self) -> str | None:
        """Return the type of the endpoint's instances; None if it has none."""
        endpoint = self.describe()
        if endpoint is None or endpoint["EndpointStatus"] in BROKEN:
            return None
        configuration = self._configuration(endpoint["EndpointConfigName"])
        return configuration["ProductionVariants"][0]["InstanceType"] if configuration else None

    def settle(self) -> dict | None:
        """Wait while the endpoint is changing; describe it then."""
        waiting = Waiting("Endpoint")
        while True:
            endpoint = self.describe()
            if endpoint is None or endpoint["EndpointStatus"] in SETTLED:
                waiting.clear()
                return endpoint
            waiting.show(endpoint["EndpointStatus"])
            time.sleep(POLL_SECONDS)

    def roll_out(
        self,
        model: dict,
        variant: dict,
        capture: dict,
        trial: Callable[[], None],
        *,
        keep_instance_count: bool = False,
    ) -> None:
        """Make the endpoint serve a new model, or leave it as it was and raise UserError.

        model: CreateModel's arguments except the name; variant: instance type and count; capture:
        DataCaptureConfig; trial: called once the new model serves, it raises an error if its
        answers do not do; keep_instance_count: an endpoint keeps its instances despite `variant`.
        """
        name = f"{add_mark(self.endpoint)}-{time.strftime('%Y%m%d%H%M%S')}"
        before = self.settle()
        if before is not None and before["EndpointStatus"] in BROKEN:
            # SageMaker updates no endpoint that failed: it has to be made again.
            self._delete_endpoint()
            self._delete_configuration(before["EndpointConfigName"])
            before = None
        retain = KEEP_INSTANCE_COUNT if keep_instance_count else {}
        self._sagemaker.create_model(ModelName=name, **model)
        try:
            self._sagemaker.create_endpoint_config(
                EndpointConfigName=name,
                ProductionVariants=[{"VariantName": VARIANT, "ModelName": name, **variant}],
                DataCaptureConfig=capture,
            )
            change = {"EndpointName": self.endpoint, "EndpointConfigName": name}
            if before is None:
                self._sagemaker.create_endpoint(**change)
            else:
                self._sagemaker.update_endpoint(**change, **retain)
        except ClientError as error:
            self._delete_configuration(name)
            _call(self._sagemaker.delete_model, ModelName=name)
            if any(words in error.response["Error"]["Message"] for words in REFUSED_AS_BUSY):
                raise terminal.UserError(
                    f"Another roll-out to {self.endpoint} is under way. Run this again when it is "
                    f"over: {self._wait}"
                ) from error
            raise
        after = self._settle_after(
            f"updating {self.endpoint}: the model before answers until the new one does, and "
            "stays if that fails"
            if before
            else f"creating {self.endpoint}; to remove it: "
            "python -m scripts.deploy_endpoint --delete (same --stage)"
        )
        if not _serves(after, name):
            self._give_up(name, before, after)
        try:
            with terminal.explain_interrupt(
                f"{self.endpoint} serves the new model, which was not tried."
            ):
                trial()
        except Exception as error:
            outcome = self._put_back(name, before, retain)
            reason = terminal.explain(error)
            if reason is None:  # a bug, which keeps its traceback
                raise
            raise terminal.UserError(f"{reason.rstrip('.')}. {outcome}") from error
        if before is not None:
            self._delete_configuration(before["EndpointConfigName"])

    def _settle_after(self, change: str) -> dict | None:
        """Wait while the endpoint is changing; Ctrl-C says what SageMaker goes on with."""
        with terminal.explain_interrupt(
            f"SageMaker goes on {change}. To wait for it: {self._wait}"
        ):
            return self.settle()

    def _put_back(self, name: str, before: dict | None, retain: dict) -> str:
        """Undo the roll-out `name`, whose model serves; return in a sentence what serves now."""
        if not _serves(self.describe(), name):
            return "Another roll-out came after this one."
        if before is None:
            self._delete_endpoint()
            self._delete_configuration(name)
            return f"There was no model before: the endpoint {self.endpoint} is deleted."
        configuration = before["EndpointConfigName"]
        try:
            self._sagemaker.update_endpoint(
                EndpointName=self.endpoint, EndpointConfigName=configuration, **retain
            )
            after = self._settle_after(f"putting the model before back: {self.endpoint}")
            reason = after.get("FailureReason", "no reason given") if after else "it was deleted"
        except ClientError as error:
            after, reason = None, terminal.explain(error)
        if not _serves(after, configuration):
            return (
                f"The model before could not be put back behind {self.endpoint}: "
                f"{terminal.one_line(reason, 300)}. Deploy it: python -m scripts.deploy_endpoint "
                "--model-data with its S3 URI (same --stage)"
            )
        self._delete_configuration(name)
        return "The model before serves again."

    def _give_up(self, name: str, before: dict | None, after: dict | None) -> NoReturn:
        """Remove what the roll-out `name` made; raise UserError with the reason why it failed."""
        serving = after["EndpointConfigName"] if after else None
        reason = after.get("FailureReason", "no reason given") if after else "somebody deleted it"
        if serving not in (None, name, before and before["EndpointConfigName"]):
            reason = "another roll-out came after this one"
        if before is None and serving == name:
            self._delete_endpoint()
            serving = None
        if serving != name:
            self._delete_configuration(name)
        status = after["EndpointStatus"] if after else "gone"
        outcome = f"could not be updated and is {status}" if before else "could not be created"
        message = (
            f"The endpoint {self.endpoint} {outcome}: {terminal.one_line(reason, 300)} "
            f"(log group {LOG_GROUP}/{self.endpoint})"
        )
        if any(words in reason for words in ABOUT_A_QUOTA):
            message += f". {aws_errors.quota_advice(reason)}"
        raise terminal.UserError(message)

    def delete(self) -> bool:
        """Remove the stage's endpoint, configurations and models. False if there were none."""
        # Listed first, to leave what another roll-out makes from now on.
        configurations = self._names("endpoint_configs", "EndpointConfigs", "EndpointConfigName")
        models = self._names("models", "Models", "ModelName")
        endpoint = self.settle()
        if endpoint:
            self._delete_endpoint()
        for name in configurations:
            _call(self._sagemaker.delete_endpoint_config, EndpointConfigName=name)
        for name in models:
            _call(self._sagemaker.delete_model, ModelName=name)
        return bool(endpoint or configurations or models)

    def _delete_endpoint(self) -> None:
        _call(self._sagemaker.delete_endpoint, EndpointName=self.endpoint)
        self.settle()

    def _delete_configuration(self, name: str) -> None:
        """Delete an endpoint configuration that a roll-out made, and its models."""
        configuration = self._configuration(name) if self._own_name.fullmatch(name) else None
        if configuration is None:
            return
        _call(self._sagemaker.delete_endpoint_config, EndpointConfigName=name)
        for variant in configuration["ProductionVariants"]:
            if self._own_name.fullmatch(variant["ModelName"]):
                _call(self._sagemaker.delete_model, ModelName=variant["ModelName"])

    def _configuration(self, name: str) -> dict | None:
        return _call(self._sagemaker.describe_endpoint_config, EndpointConfigName=name)

    def _names(self, operation: str, items: str, field: str) -> list[str]:
        """Return the names of this stage's roll-outs alone: another stage's may begin alike."""
        pages = self._sagemaker.get_paginator(f"list_{operation}").paginate(
            NameContains=self.endpoint
        )
        names = [item[field] for page in pages for item in page[items]]
        return [name for name in names if self._own_name.fullmatch(name)]


def _serves(endpoint: dict | None, configuration: str) -> bool:
    """Whether a described endpoint is in service with the configuration of that name."""
    status = endpoint and (endpoint["EndpointStatus"], endpoint["EndpointConfigName"])
    return status == ("InService", configuration)


# Return what an operation answers; None if the thing is gone: two people may tidy up at once.
_call = partial(aws_errors.call_unless_refused, ("Could not find",))
