"""The operations on models, endpoint configurations and endpoints that this service uses."""

from botocore.exceptions import BotoCoreError, ClientError

from local.sagemaker import images, records, roles, storage
from local.sagemaker.endpoints import Deployment, Endpoint
from local.sagemaker.errors import check_quota, not_emulated, validation_exception
from local.sagemaker.operations import Operations, Request
from local.sagemaker.records import LISTED, Record

OPERATIONS = Operations()
_INSTANCES_A_VARIANT = 4


@OPERATIONS.add(
    """ModelName ExecutionRoleArn! EnableNetworkIsolation Tags
    PrimaryContainer.Image! PrimaryContainer.ModelDataUrl PrimaryContainer.Environment"""
)
def create_model(request: Request) -> Request:
    """The role must be able to read the model's archive."""
    container = request["PrimaryContainer"]
    images.resolve_serving_image(container["Image"])
    role = roles.assume(request["ExecutionRoleArn"])
    if container.get("ModelDataUrl"):
        _check_model_data(container["ModelDataUrl"], role)
    return {"ModelArn": _keep("model", request["ModelName"], request)}


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
    arn = _keep("endpoint-config", request["EndpointConfigName"], request)
    return {"EndpointConfigArn": arn}


def _add_operations(kind: str, title: str) -> None:
    """Describe, Delete and List of models or configurations. Endpoints that run one keep theirs."""
    name = f"{title}Name"

    @OPERATIONS.add(name, f"Describe{title}")
    def describe(request: Request) -> Request:
        record = records.find(kind, request[name])
        created = {member: value for member, value in record.request.items() if member != "Tags"}
        return {**created, f"{title}Arn": record.arn, "CreationTime": record.created}

    @OPERATIONS.add(name, f"Delete{title}")
    def delete(request: Request) -> Request:
        records.find(kind, request[name])
        records.tables[kind].pop(request[name], None)
        return {}

    @OPERATIONS.add(LISTED, f"List{title}s")
    def list_all(request: Request) -> Request:
        summaries = [
            {name: each.name, f"{title}Arn": each.arn, "CreationTime": each.created}
            for each in records.tables[kind].values()
        ]
        listed, more = records.page(summaries, request, name)
        return {f"{title}s": listed, **more}


_add_operations("model", "Model")
_add_operations("endpoint-config", "EndpointConfig")


@OPERATIONS.add("EndpointName EndpointConfigName Tags")
def create_endpoint(request: Request) -> Request:
    """Start the servers; the endpoint is Creating until they answer."""
    name = request["EndpointName"]
    with records.lock:
        records.check_new("endpoint", name)
        config = records.find("endpoint-config", request["EndpointConfigName"])
        (variant,) = config.request["ProductionVariants"]
        deployment = Deployment(name, config, variant, config.request.get("DataCaptureConfig"))
        endpoint = records.tables["endpoint"][name] = Endpoint(name, config)
        endpoint.deploy(deployment, "Creating")
    return {"EndpointArn": endpoint.arn}


@OPERATIONS.add(
    """EndpointName EndpointConfigName RetainAllVariantProperties
    ExcludeRetainedVariantProperties.VariantPropertyType"""
)
def update_endpoint(request: Request) -> Request:
    """Start the new servers beside the old, which answer until then.

    With RetainAllVariantProperties, the variant keeps the instances that it has, and the endpoint
    what it captures, but for the properties that are excluded.
    """
    with records.lock:
        endpoint = _endpoint_at_rest(request)
        if endpoint.status == "Failed":
            raise validation_exception(f'Cannot update failed endpoint "{endpoint.arn}".')
        config = records.find("endpoint-config", request["EndpointConfigName"])
        _check_scaled_variant(endpoint, config)
        retained = _retain(request, endpoint, config)
        endpoint.deploy(Deployment(endpoint.name, config, *retained), "Updating")
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


@OPERATIONS.add("EndpointName")
def describe_endpoint(request: Request) -> Request:
    """What runs, and what is captured."""
    return records.find("endpoint", request["EndpointName"]).describe()


@OPERATIONS.add(f"{LISTED} StatusEquals")
def list_endpoints(request: Request) -> Request:
    """A page of endpoints."""
    summaries = [endpoint.summary() for endpoint in records.tables["endpoint"].values()]
    listed, more = records.page(summaries, request, "EndpointName", "EndpointStatus")
    return {"Endpoints": listed, **more}


def _keep(kind: str, name: str, request: Request) -> str:
    """Keep a new record and return its ARN."""
    with records.lock:
        records.check_new(kind, name)
        record = records.tables[kind][name] = Record(kind, name, request)
    return record.arn


def _check_model_data(uri: str, role: roles.ExecutionRole) -> None:
    bucket, key = storage.split(uri)
    try:
        role.client("s3").head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NoSuchBucket"):
            raise validation_exception(f"Could not find model data at {uri}.") from None
        raise validation_exception(
            f'Could not access model data at {uri}. Please ensure that the role "{role.arn}" '
            'exists and that its trust relationship policy allows the action "sts:AssumeRole" for '
            'the service principal "sagemaker.amazonaws.com". Also ensure that the role has '
            f'"s3:GetObject" permissions and that the object is located in {role.region}.'
        ) from None
    except BotoCoreError as error:
        raise validation_exception(f"Could not access model data at {uri}: {error}") from None


def _endpoint_at_rest(request: Request) -> Endpoint:
    endpoint = records.find("endpoint", request["EndpointName"])
    if endpoint.status not in ("InService", "Failed"):
        raise validation_exception(f'Cannot update in-progress endpoint "{endpoint.arn}".')
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
    if (now.variant, now.instance_type) != (wanted["VariantName"], wanted["InstanceType"]):
        raise validation_exception(
            f'The variant(s) "{now.variant}" must be deregistered as scalable targets with '
            "AutoScaling before they can be removed or have their instance type updated."
        )


def _retain(request: Request, endpoint: Endpoint, config: Record) -> tuple[Request, Request | None]:
    """The variant, and the DataCaptureConfig, with which an endpoint is updated."""
    (variant,) = config.request["ProductionVariants"]
    capture = config.request.get("DataCaptureConfig")
    properties = request.get("ExcludeRetainedVariantProperties") or []
    excluded = {each["VariantPropertyType"] for each in properties}
    if not request.get("RetainAllVariantProperties"):
        if excluded:
            raise not_emulated("ExcludeRetainedVariantProperties of what is not retained")
        return variant, capture
    now = endpoint.deployment
    if now and now.variant == variant["VariantName"] and "DesiredInstanceCount" not in excluded:
        variant = variant | {"InitialInstanceCount": len(now.servers)}
    return variant, capture if "DataCaptureConfig" in excluded else endpoint.capture_config
