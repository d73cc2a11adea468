"""The operations on models, endpoint configurations and endpoints that this service uses."""

from botocore.exceptions import ClientError

from local.sagemaker import images, records, roles, storage
from local.sagemaker.endpoints import Deployment, Endpoint
from local.sagemaker.records import Record
from local.sagemaker.requests import Operations, Request, check_quota, invalid, not_emulated

OPERATIONS = Operations()
_INSTANCES_A_VARIANT = 4


@OPERATIONS.add(
    """ModelName ExecutionRoleArn! EnableNetworkIsolation Tags
    PrimaryContainer.Image! PrimaryContainer.ModelDataUrl! PrimaryContainer.Environment"""
)
def create_model(request: Request) -> Request:
    """The role must be able to read the model's archive."""
    container = request["PrimaryContainer"]
    images.check_serving_image(container["Image"])
    role = roles.assume(request["ExecutionRoleArn"])
    _check_model_data(container["ModelDataUrl"], role)
    return {"ModelArn": records.keep(Record("model", request))}


@OPERATIONS.add(
    """EndpointConfigName Tags ProductionVariants.VariantName ProductionVariants.ModelName!
    ProductionVariants.InstanceType! ProductionVariants.InitialInstanceCount!
    DataCaptureConfig.EnableCapture DataCaptureConfig.InitialSamplingPercentage
    DataCaptureConfig.DestinationS3Uri DataCaptureConfig.CaptureOptions
    DataCaptureConfig.CaptureContentTypeHeader.JsonContentTypes"""
)
def create_endpoint_config(request: Request) -> Request:
    """One variant, of a model that is there."""
    if len(request["ProductionVariants"]) > 1:
        raise not_emulated("more than one production variant")
    (variant,) = request["ProductionVariants"]
    records.find("model", variant["ModelName"])
    usage = f"{variant['InstanceType']} for endpoint usage"
    check_quota(usage, variant["InitialInstanceCount"], _INSTANCES_A_VARIANT)
    return {"EndpointConfigArn": records.keep(Record("endpoint-config", request))}


@OPERATIONS.add("ModelName")
def delete_model(request: Request) -> Request:
    """Endpoints that run it keep theirs."""
    return _delete("model", request["ModelName"])


@OPERATIONS.add("EndpointConfigName")
def delete_endpoint_config(request: Request) -> Request:
    """Endpoints that have it keep theirs."""
    return _delete("endpoint-config", request["EndpointConfigName"])


@OPERATIONS.add("EndpointName EndpointConfigName Tags")
def create_endpoint(request: Request) -> Request:
    """Start the servers; the endpoint is Creating until they answer."""
    with records.lock:
        records.check_new("endpoint", request["EndpointName"])
        config = records.find("endpoint-config", request["EndpointConfigName"])
        endpoint = Endpoint(request, config)
        deployment = Deployment(endpoint.name, config)
        records.keep(endpoint)
        endpoint.deploy(deployment, "Creating")
    return {"EndpointArn": endpoint.arn}


@OPERATIONS.add(
    """EndpointName EndpointConfigName RetainAllVariantProperties
    ExcludeRetainedVariantProperties.VariantPropertyType=DataCaptureConfig"""
)
def update_endpoint(request: Request) -> Request:
    """Start the new servers beside the old, which answer until then.

    With RetainAllVariantProperties and without DataCaptureConfig, the variant keeps the number of
    its instances.
    """
    retain = bool(request.get("RetainAllVariantProperties"))
    if retain != bool(request.get("ExcludeRetainedVariantProperties")):
        raise not_emulated("RetainAllVariantProperties or ExcludeRetainedVariantProperties alone")
    with records.lock:
        endpoint = _endpoint_at_rest(request)
        if endpoint.status == "Failed":
            raise invalid(f'Cannot update failed endpoint "{endpoint.arn}".')
        config = records.find("endpoint-config", request["EndpointConfigName"])
        _check_scaled_variant(endpoint, config)
        now, (variant,) = endpoint.deployment, config.request["ProductionVariants"]
        same = now and now.variant == variant["VariantName"]
        count = len(now.servers) if retain and same else None
        endpoint.deploy(Deployment(endpoint.name, config, count), "Updating")
    return {"EndpointArn": endpoint.arn}


@OPERATIONS.add("EndpointName")
def delete_endpoint(request: Request) -> Request:
    """The endpoint is Deleting until its servers have ended.

    Its variant is a scalable target no longer (developer guide, endpoint-delete-with-scaling).
    """
    with records.lock:
        endpoint = _endpoint_at_rest(request)
        if deployment := endpoint.deployment:
            records.tables["scalable-target"].pop(_resource_id(endpoint, deployment), None)
        endpoint.delete()
    return {}


for _kind in ("model", "endpoint-config", "endpoint"):
    records.add_operations(OPERATIONS, _kind)


def _delete(kind: str, name: str) -> Request:
    with records.lock:
        records.find(kind, name)
        del records.tables[kind][name]
    return {}


def _check_model_data(uri: str, role: roles.ExecutionRole) -> None:
    bucket, key = storage.split(uri)
    try:
        role.client("s3").head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NoSuchBucket"):
            raise invalid(f"Could not find model data at {uri}.") from None
        raise invalid(
            f'Could not access model data at {uri}. Please ensure that the role "{role.arn}" '
            'exists and that its trust relationship policy allows the action "sts:AssumeRole" for '
            'the service principal "sagemaker.amazonaws.com". Also ensure that the role has '
            f'"s3:GetObject" permissions and that the object is located in {role.region}.'
        ) from None


def _endpoint_at_rest(request: Request) -> Endpoint:
    endpoint = records.find("endpoint", request["EndpointName"])
    if endpoint.status not in ("InService", "Failed"):
        raise invalid(f'Cannot update in-progress endpoint "{endpoint.arn}".')
    return endpoint


def _resource_id(endpoint: Endpoint, deployment: Deployment) -> str:
    """What Application Auto Scaling calls the endpoint's variant."""
    return f"endpoint/{endpoint.name}/variant/{deployment.variant}"


def _check_scaled_variant(endpoint: Endpoint, config: Record) -> None:
    """Refuse to change the instances of a variant that scales, or to take it away.

    So the developer guide, endpoint-scaling-update; it does not quote the message.
    """
    now, (wanted,) = endpoint.deployment, config.request["ProductionVariants"]
    if not now or _resource_id(endpoint, now) not in records.tables["scalable-target"]:
        return
    (variant,) = now.config.request["ProductionVariants"]
    if any(variant[name] != wanted[name] for name in ("VariantName", "InstanceType")):
        raise invalid(
            f'The variant(s) "{now.variant}" must be deregistered as scalable targets with '
            "AutoScaling before they can be removed or have their instance type updated."
        )
