"""The operations on training jobs, as far as this service uses them."""

import re

from local.sagemaker import images, records, roles
from local.sagemaker.requests import (
    Operations,
    Request,
    ServiceError,
    check_quota,
    invalid,
    not_emulated,
)
from local.sagemaker.training_job import CHECKPOINTS, CONTAINER_ROOT, SECONDS_TO_RUN, TrainingJob

OPERATIONS = Operations()
_INSTANCES_A_JOB = 1


@OPERATIONS.add(
    """TrainingJobName RoleArn HyperParameters Environment Tags
    AlgorithmSpecification.TrainingImage! AlgorithmSpecification.TrainingInputMode=File
    AlgorithmSpecification.ContainerEntrypoint! AlgorithmSpecification.ContainerArguments
    AlgorithmSpecification.MetricDefinitions
    InputDataConfig.ChannelName InputDataConfig.ContentType InputDataConfig.InputMode=File
    InputDataConfig.CompressionType=None InputDataConfig.RecordWrapperType=None
    InputDataConfig.DataSource.S3DataSource.S3DataType=S3Prefix
    InputDataConfig.DataSource.S3DataSource.S3Uri
    InputDataConfig.DataSource.S3DataSource.S3DataDistributionType=FullyReplicated
    OutputDataConfig.S3OutputPath OutputDataConfig.CompressionType=GZIP
    ResourceConfig.InstanceType! ResourceConfig.InstanceCount
    ResourceConfig.VolumeSizeInGB
    StoppingCondition.MaxRuntimeInSeconds StoppingCondition.MaxWaitTimeInSeconds
    EnableManagedSpotTraining CheckpointConfig.S3Uri CheckpointConfig.LocalPath"""
)
def create_training_job(request: Request) -> Request:
    """Start the job."""
    _check(request)
    role = roles.assume(request["RoleArn"])
    jobs, name = records.tables["training-job"], request["TrainingJobName"]
    with records.lock:
        if name in jobs:
            raise ServiceError(
                "ResourceInUse",
                "Training job names must be unique within an AWS account and region, and a "
                f"training job with this name already exists ({jobs[name].arn})",
            )
        job = TrainingJob(request, role)
        records.keep(job)
    job.start()
    return {"TrainingJobArn": job.arn}


@OPERATIONS.add("TrainingJobName")
def stop_training_job(request: Request) -> Request:
    """Return at once; the job goes on to Stopped."""
    job = records.find("training-job", request["TrainingJobName"])
    if not job.stop():
        raise invalid(
            f"The request was rejected because the training job is in status {job.status}."
        )
    return {}


records.add_operations(OPERATIONS, "training-job", order="Ascending")


def _check(request: Request) -> None:
    algorithm = request["AlgorithmSpecification"]
    images.check_training_image(algorithm["TrainingImage"])
    for definition in algorithm.get("MetricDefinitions") or []:
        try:
            re.compile(definition["Regex"])
        except re.error as error:
            raise invalid(
                f"Invalid regular expression in metric {definition['Name']}: {error}"
            ) from None
    for channel in request.get("InputDataConfig") or []:
        if not channel["DataSource"].get("S3DataSource"):
            raise not_emulated(f"a data source not in S3 (channel {channel['ChannelName']})")
    _check_spot(request)
    path = (request.get("CheckpointConfig") or {}).get("LocalPath", CHECKPOINTS)
    if not path.startswith(f"{CONTAINER_ROOT}/") or ".." in path:
        raise not_emulated(f"CheckpointConfig.LocalPath {path} (it must be below {CONTAINER_ROOT})")
    resources = request["ResourceConfig"]
    usage = f"{resources['InstanceType']} for training job usage"
    check_quota(usage, resources.get("InstanceCount", 1), _INSTANCES_A_JOB)


def _check_spot(request: Request) -> None:
    """Check what managed spot training asks for; no instance is ever taken away here."""
    condition = request.get("StoppingCondition") or {}
    longest = condition.get("MaxWaitTimeInSeconds")
    if not request.get("EnableManagedSpotTraining"):
        if longest is not None:
            raise invalid(
                "MaxWaitTimeInSeconds above 0 is not allowed when EnableManagedSpotTraining is "
                "set to false"
            )
        return
    if longest is None or longest < condition.get("MaxRuntimeInSeconds", SECONDS_TO_RUN):
        raise invalid(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to "
            "MaxRuntimeInSeconds"
        )
