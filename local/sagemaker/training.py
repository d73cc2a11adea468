"""The operations on training jobs, as far as this service uses them."""

import re
from pathlib import Path

from local.sagemaker import images
from local.sagemaker.errors import ServiceError, check_quota, not_emulated, validation_exception
from local.sagemaker.operations import operation
from local.sagemaker.records import LISTED, Caller, Request, Scope, Store, page
from local.sagemaker.roles import Roles, check_pass_role
from local.sagemaker.training_job import CHECKPOINTS, CONTAINER_ROOT, SECONDS_TO_RUN, TrainingJob

_INSTANCES_A_JOB = 1


class Training:
    """Each operation takes a request that fits botocore's model and gives the answer of AWS."""

    def __init__(self, store: Store, roles: Roles, home: Path):
        self._store = store
        self._roles = roles
        self._home = home

    @operation(
        """TrainingJobName RoleArn HyperParameters Environment Tags
        AlgorithmSpecification.TrainingImage AlgorithmSpecification.TrainingInputMode
        AlgorithmSpecification.ContainerEntrypoint AlgorithmSpecification.ContainerArguments
        AlgorithmSpecification.MetricDefinitions
        InputDataConfig.ChannelName InputDataConfig.ContentType InputDataConfig.InputMode
        InputDataConfig.CompressionType InputDataConfig.RecordWrapperType
        InputDataConfig.DataSource.S3DataSource.S3DataType
        InputDataConfig.DataSource.S3DataSource.S3Uri
        InputDataConfig.DataSource.S3DataSource.S3DataDistributionType
        OutputDataConfig.S3OutputPath OutputDataConfig.CompressionType
        ResourceConfig.InstanceType ResourceConfig.InstanceCount ResourceConfig.VolumeSizeInGB
        StoppingCondition.MaxRuntimeInSeconds StoppingCondition.MaxWaitTimeInSeconds
        EnableManagedSpotTraining CheckpointConfig.S3Uri CheckpointConfig.LocalPath""",
        training_job="TrainingJobName",
    )
    def create_training_job(self, caller: Caller, request: Request) -> Request:
        """Start the job."""
        scope = caller.scope
        _check(request, scope)
        check_pass_role(caller.access_key_id, scope, request["RoleArn"])
        role = self._roles.assume(scope, request["RoleArn"])
        with self._store.lock:
            jobs = self._store.table(scope, "training-job")
            name = request["TrainingJobName"]
            if name in jobs:
                raise ServiceError(
                    "ResourceInUse",
                    "Training job names must be unique within an AWS account and region, and a "
                    f"training job with this name already exists ({jobs[name].arn})",
                )
            job = jobs[name] = TrainingJob(request, scope, role, self._home)
        job.start()
        return {"TrainingJobArn": job.arn}

    @operation("TrainingJobName", training_job="TrainingJobName")
    def describe_training_job(self, caller: Caller, request: Request) -> Request:
        """What was asked for, and how far the job is."""
        return self._training_job(caller, request).describe()

    @operation("TrainingJobName", training_job="TrainingJobName")
    def stop_training_job(self, caller: Caller, request: Request) -> Request:
        """Return at once; the job goes on to Stopped."""
        job = self._training_job(caller, request)
        if not job.stop():
            raise validation_exception(
                f"The request was rejected because the training job is in status {job.status}."
            )
        return {}

    @operation(f"{LISTED} StatusEquals")
    def list_training_jobs(self, caller: Caller, request: Request) -> Request:
        """A page of jobs."""
        jobs = [job.summary() for job in self._store.all(caller.scope, "training-job")]
        listed, more = page(
            jobs, request, name="TrainingJobName", status="TrainingJobStatus", order="Ascending"
        )
        return {"TrainingJobSummaries": listed, **more}

    def _training_job(self, caller: Caller, request: Request) -> TrainingJob:
        jobs = self._store.table(caller.scope, "training-job")
        if request["TrainingJobName"] not in jobs:
            raise validation_exception("Requested resource not found.")
        return jobs[request["TrainingJobName"]]


def _check(request: Request, scope: Scope) -> None:
    algorithm = request.get("AlgorithmSpecification") or {}
    if not algorithm.get("TrainingImage"):
        raise not_emulated("a training job without a TrainingImage")
    images.check_training_image(algorithm["TrainingImage"], scope)
    if not algorithm.get("ContainerEntrypoint"):
        raise not_emulated("an image's own entry point (set ContainerEntrypoint)")
    if algorithm["TrainingInputMode"] != "File":
        raise not_emulated(f"TrainingInputMode {algorithm['TrainingInputMode']}")
    for definition in algorithm.get("MetricDefinitions") or []:
        try:
            re.compile(definition["Regex"])
        except re.error as error:
            raise validation_exception(
                f"Invalid regular expression in metric {definition['Name']}: {error}"
            ) from None
    for channel in request.get("InputDataConfig") or []:
        _check_channel(channel)
    _check_spot(request)
    path = (request.get("CheckpointConfig") or {}).get("LocalPath", CHECKPOINTS)
    if not path.startswith(f"{CONTAINER_ROOT}/") or ".." in path:
        raise not_emulated(f"CheckpointConfig.LocalPath {path} (it must be below {CONTAINER_ROOT})")
    compression = request["OutputDataConfig"].get("CompressionType", "GZIP")
    if compression != "GZIP":
        raise not_emulated(f"OutputDataConfig.CompressionType {compression}")
    resources = request.get("ResourceConfig") or {}
    if not resources.get("InstanceType"):
        raise not_emulated("a training job without ResourceConfig.InstanceType")
    check_quota(
        f"{resources['InstanceType']} for training job usage",
        resources.get("InstanceCount", 1),
        _INSTANCES_A_JOB,
    )


def _check_spot(request: Request) -> None:
    """Check what managed spot training asks for; no instance is ever taken away here."""
    condition = request.get("StoppingCondition") or {}
    longest = condition.get("MaxWaitTimeInSeconds")
    if not request.get("EnableManagedSpotTraining"):
        if longest is not None:
            raise validation_exception(
                "MaxWaitTimeInSeconds above 0 is not allowed when EnableManagedSpotTraining is "
                "set to false"
            )
        return
    if longest is None or longest < condition.get("MaxRuntimeInSeconds", SECONDS_TO_RUN):
        raise validation_exception(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to "
            "MaxRuntimeInSeconds"
        )


def _check_channel(channel: Request) -> None:
    name = channel["ChannelName"]
    source = channel["DataSource"].get("S3DataSource")
    if not source:
        raise not_emulated(f"a data source that is not in S3 (channel {name})")
    settings = source | channel
    for member, emulated in (
        ("S3DataType", "S3Prefix"),
        ("S3DataDistributionType", "FullyReplicated"),
        ("InputMode", "File"),
        ("CompressionType", "None"),
        ("RecordWrapperType", "None"),
    ):
        value = settings.get(member, emulated)
        if value != emulated:
            raise not_emulated(f"{member} {value} (channel {name})")
