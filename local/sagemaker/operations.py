"""Which operations of the control plane there are.

The table says of each what runs it, which resources IAM checks the caller's permission on, and
which members of the request mean something here. What is not in it is refused by name.
"""

from collections.abc import Callable
from dataclasses import dataclass

from local.sagemaker.caller import Caller, Request
from local.sagemaker.hosting_operations import HostingOperations
from local.sagemaker.training_operations import TrainingOperations


@dataclass(frozen=True)
class Operation:
    """`run` takes a request that fits botocore's model and gives the answer, from a thread.

    `resources` are (kind, member that names it) of what IAM checks, `emulated` the members of the
    request that are (see check_emulated).
    """

    run: Callable[[Caller, Request], Request]
    resources: tuple[tuple[str, str], ...]
    emulated: frozenset[str]


_LISTED = "CreationTimeAfter CreationTimeBefore MaxResults NameContains NextToken SortBy SortOrder"
_LISTED_WITH_STATUS = f"{_LISTED} LastModifiedTimeAfter LastModifiedTimeBefore StatusEquals"
_JOB = (("training-job", "TrainingJobName"),)
_MODEL = (("model", "ModelName"),)
_CONFIG = (("endpoint-config", "EndpointConfigName"),)
_ENDPOINT = (("endpoint", "EndpointName"),)


def table(training: TrainingOperations, hosting: HostingOperations) -> dict[str, Operation]:
    """The operations by name."""
    return {
        "CreateTrainingJob": Operation(
            training.create_training_job,
            _JOB,
            _members(
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
                ResourceConfig.InstanceType ResourceConfig.InstanceCount
                ResourceConfig.VolumeSizeInGB StoppingCondition.MaxRuntimeInSeconds
                StoppingCondition.MaxWaitTimeInSeconds EnableManagedSpotTraining
                CheckpointConfig.S3Uri CheckpointConfig.LocalPath"""
            ),
        ),
        "DescribeTrainingJob": Operation(
            training.describe_training_job, _JOB, _members("TrainingJobName")
        ),
        "StopTrainingJob": Operation(training.stop_training_job, _JOB, _members("TrainingJobName")),
        "ListTrainingJobs": Operation(
            training.list_training_jobs, (), _members(_LISTED_WITH_STATUS)
        ),
        "CreateModel": Operation(
            hosting.create_model,
            _MODEL,
            _members(
                " ".join(
                    f"{container}.{member}"
                    for container in ("PrimaryContainer", "Containers")
                    for member in ("Image", "ModelDataUrl", "Environment")
                )
                + " ModelName ExecutionRoleArn EnableNetworkIsolation Tags"
            ),
        ),
        "DescribeModel": Operation(hosting.describe_model, _MODEL, _members("ModelName")),
        "DeleteModel": Operation(hosting.delete_model, _MODEL, _members("ModelName")),
        "ListModels": Operation(hosting.list_models, (), _members(_LISTED)),
        "CreateEndpointConfig": Operation(
            hosting.create_endpoint_config,
            _CONFIG,
            _members(
                """EndpointConfigName Tags
                ProductionVariants.VariantName ProductionVariants.ModelName
                ProductionVariants.InstanceType ProductionVariants.InitialInstanceCount
                ProductionVariants.InitialVariantWeight
                ProductionVariants.ContainerStartupHealthCheckTimeoutInSeconds
                DataCaptureConfig.EnableCapture DataCaptureConfig.InitialSamplingPercentage
                DataCaptureConfig.DestinationS3Uri DataCaptureConfig.CaptureOptions
                DataCaptureConfig.CaptureContentTypeHeader"""
            ),
        ),
        "DescribeEndpointConfig": Operation(
            hosting.describe_endpoint_config, _CONFIG, _members("EndpointConfigName")
        ),
        "DeleteEndpointConfig": Operation(
            hosting.delete_endpoint_config, _CONFIG, _members("EndpointConfigName")
        ),
        "ListEndpointConfigs": Operation(hosting.list_endpoint_configs, (), _members(_LISTED)),
        "CreateEndpoint": Operation(
            hosting.create_endpoint,
            _ENDPOINT + _CONFIG,
            _members("EndpointName EndpointConfigName Tags"),
        ),
        "UpdateEndpoint": Operation(
            hosting.update_endpoint,
            _ENDPOINT + _CONFIG,
            _members(
                """EndpointName EndpointConfigName RetainAllVariantProperties
                ExcludeRetainedVariantProperties.VariantPropertyType"""
            ),
        ),
        "DeleteEndpoint": Operation(hosting.delete_endpoint, _ENDPOINT, _members("EndpointName")),
        "DescribeEndpoint": Operation(
            hosting.describe_endpoint, _ENDPOINT, _members("EndpointName")
        ),
        "ListEndpoints": Operation(hosting.list_endpoints, (), _members(_LISTED_WITH_STATUS)),
    }


def _members(names: str) -> frozenset[str]:
    return frozenset(names.split())
