"""The operations on models, endpoint configurations and endpoints that this service uses."""

from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.sagemaker import images, storage
from local.sagemaker.endpoints import Deployment, Endpoint, Variant
from local.sagemaker.errors import ServiceError, check_quota, not_emulated, validation_exception
from local.sagemaker.operations import operation
from local.sagemaker.records import (
    LISTED,
    SCALABLE_TARGET,
    Caller,
    Record,
    Request,
    Scope,
    Store,
    page,
)
from local.sagemaker.roles import ExecutionRole, Roles, check_pass_role
from local.sagemaker.servers import ModelServer

_INSTANCES_A_VARIANT = 4
_WORDS = {"model": "model", "endpoint-config": "endpoint configuration", "endpoint": "endpoint"}
_VARIANT = "VariantName ModelName InstanceType InitialInstanceCount"
_CAPTURE = (
    "EnableCapture InitialSamplingPercentage DestinationS3Uri CaptureOptions "
    "CaptureContentTypeHeader.JsonContentTypes"
)


def _within(parent: str, members: str) -> str:
    return " ".join(f"{parent}.{member}" for member in members.split())


class Hosting:
    """Each operation takes a request that fits botocore's model and gives the answer of AWS."""

    def __init__(self, store: Store, roles: Roles, home: Path):
        self._store = store
        self._roles = roles
        self._home = home

    def endpoint(self, scope: Scope, name: str) -> Endpoint | None:
        """The endpoint of that name, if there is one."""
        return self._store.table(scope, "endpoint").get(name)

    # Models

    @operation(
        "ModelName ExecutionRoleArn EnableNetworkIsolation Tags "
        f"{_within('PrimaryContainer', 'Image ModelDataUrl Environment')}",
        model="ModelName",
    )
    def create_model(self, caller: Caller, request: Request) -> Request:
        """The role must be able to read the model's archive."""
        container = request.get("PrimaryContainer") or {}
        if not container.get("Image"):
            raise not_emulated("a model without a PrimaryContainer that has an Image")
        images.resolve_serving_image(container["Image"], caller.scope)
        if not request.get("ExecutionRoleArn"):
            raise not_emulated("a model without an ExecutionRoleArn")
        check_pass_role(caller.access_key_id, caller.scope, request["ExecutionRoleArn"])
        role = self._roles.assume(caller.scope, request["ExecutionRoleArn"])
        if container.get("ModelDataUrl"):
            _check_model_data(container["ModelDataUrl"], role)
        return {"ModelArn": self._add(caller, "model", request["ModelName"], request)}

    @operation("ModelName", model="ModelName")
    def describe_model(self, caller: Caller, request: Request) -> Request:
        """What was asked for, and its ARN."""
        return _described(self._find(caller.scope, "model", request["ModelName"]), "ModelArn")

    @operation("ModelName", model="ModelName")
    def delete_model(self, caller: Caller, request: Request) -> Request:
        """Endpoints that run it keep their copy."""
        return self._remove(caller, "model", request["ModelName"])

    @operation(LISTED)
    def list_models(self, caller: Caller, request: Request) -> Request:
        """A page of models."""
        return self._list(caller, "model", request, "Models", "Model")

    # Endpoint configurations

    @operation(
        f"EndpointConfigName Tags {_within('ProductionVariants', _VARIANT)} "
        f"{_within('DataCaptureConfig', _CAPTURE)}",
        endpoint_config="EndpointConfigName",
    )
    def create_endpoint_config(self, caller: Caller, request: Request) -> Request:
        """One variant, of a model that is there."""
        if len(request["ProductionVariants"]) > 1:
            raise not_emulated("more than one production variant")
        (variant,) = request["ProductionVariants"]
        for member in ("ModelName", "InstanceType", "InitialInstanceCount"):
            if not variant.get(member):
                raise not_emulated(f"a production variant without {member}")
        self._find(caller.scope, "model", variant["ModelName"])
        usage = f"{variant['InstanceType']} for endpoint usage"
        check_quota(usage, variant["InitialInstanceCount"], _INSTANCES_A_VARIANT)
        arn = self._add(caller, "endpoint-config", request["EndpointConfigName"], request)
        return {"EndpointConfigArn": arn}

    @operation("EndpointConfigName", endpoint_config="EndpointConfigName")
    def describe_endpoint_config(self, caller: Caller, request: Request) -> Request:
        """What was asked for, and its ARN."""
        config = self._find(caller.scope, "endpoint-config", request["EndpointConfigName"])
        return _described(config, "EndpointConfigArn")

    @operation("EndpointConfigName", endpoint_config="EndpointConfigName")
    def delete_endpoint_config(self, caller: Caller, request: Request) -> Request:
        """Endpoints that run it go on."""
        return self._remove(caller, "endpoint-config", request["EndpointConfigName"])

    @operation(LISTED)
    def list_endpoint_configs(self, caller: Caller, request: Request) -> Request:
        """A page of configurations."""
        return self._list(caller, "endpoint-config", request, "EndpointConfigs", "EndpointConfig")

    # Endpoints

    @operation(
        "EndpointName EndpointConfigName Tags",
        endpoint="EndpointName",
        endpoint_config="EndpointConfigName",
    )
    def create_endpoint(self, caller: Caller, request: Request) -> Request:
        """Start the servers; the endpoint is Creating until they answer."""
        scope, name = caller.scope, request["EndpointName"]
        with self._store.lock:
            self._check_new(scope, "endpoint", name)
            config = self._find(scope, "endpoint-config", request["EndpointConfigName"])
            (variant,) = config.request["ProductionVariants"]
            deployment = self._deployment(
                scope, name, config, variant, config.request.get("DataCaptureConfig")
            )
            endpoint = Endpoint(name, scope, config)
            self._store.table(scope, "endpoint")[name] = endpoint
            endpoint.deploy(deployment, "Creating")
        return {"EndpointArn": endpoint.arn}

    @operation(
        "EndpointName EndpointConfigName RetainAllVariantProperties "
        "ExcludeRetainedVariantProperties.VariantPropertyType",
        endpoint="EndpointName",
        endpoint_config="EndpointConfigName",
    )
    def update_endpoint(self, caller: Caller, request: Request) -> Request:
        """Start the new servers beside the old, which answer until then.

        With RetainAllVariantProperties, the variant keeps the instances that it has, and the
        endpoint what it captures, but for the properties that are excluded.
        """
        scope = caller.scope
        with self._store.lock:
            endpoint = self._endpoint_at_rest(scope, request["EndpointName"])
            if endpoint.status == "Failed":
                raise validation_exception(f'Cannot update failed endpoint "{endpoint.arn}".')
            config = self._find(scope, "endpoint-config", request["EndpointConfigName"])
            self._check_scaled_variant(scope, endpoint, config)
            retained = _retained(request, endpoint, config)
            deployment = self._deployment(scope, endpoint.name, config, *retained)
            endpoint.deploy(deployment, "Updating")
        return {"EndpointArn": endpoint.arn}

    @operation("EndpointName", endpoint="EndpointName")
    def delete_endpoint(self, caller: Caller, request: Request) -> Request:
        """The endpoint is Deleting until its servers have ended.

        Its variant is a scalable target no longer (developer guide, endpoint-delete-with-scaling).
        """
        scope, name = caller.scope, request["EndpointName"]
        with self._store.lock:
            endpoint = self._endpoint_at_rest(scope, name)
            if endpoint.variant:
                target = f"endpoint/{name}/variant/{endpoint.variant.name}"
                self._store.table(scope, SCALABLE_TARGET).pop(target, None)
            endpoint.delete(lambda: self._store.table(scope, "endpoint").pop(name, None))
        return {}

    @operation("EndpointName", endpoint="EndpointName")
    def describe_endpoint(self, caller: Caller, request: Request) -> Request:
        """What runs, and what is captured."""
        return self._find(caller.scope, "endpoint", request["EndpointName"]).describe()

    @operation(f"{LISTED} StatusEquals")
    def list_endpoints(self, caller: Caller, request: Request) -> Request:
        """A page of endpoints."""
        endpoints = [endpoint.summary() for endpoint in self._store.all(caller.scope, "endpoint")]
        listed, more = page(endpoints, request, name="EndpointName", status="EndpointStatus")
        return {"Endpoints": listed, **more}

    def _find(self, scope: Scope, kind: str, name: str) -> Any:
        """The record; raises ValidationException where there is none."""
        records = self._store.table(scope, kind)
        if name not in records:
            raise validation_exception(f'Could not find {_WORDS[kind]} "{scope.arn(kind, name)}".')
        return records[name]

    def _check_new(self, scope: Scope, kind: str, name: str) -> None:
        if known := self._store.table(scope, kind).get(name):
            raise validation_exception(
                f'Cannot create already existing {_WORDS[kind]} "{known.arn}".'
            )

    def _add(self, caller: Caller, kind: str, name: str, request: Request) -> str:
        """Keep a new record and return its ARN."""
        with self._store.lock:
            self._check_new(caller.scope, kind, name)
            record = Record(name, caller.scope.arn(kind, name), request)
            self._store.table(caller.scope, kind)[name] = record
        return record.arn

    def _remove(self, caller: Caller, kind: str, name: str) -> Request:
        self._find(caller.scope, kind, name)
        self._store.table(caller.scope, kind).pop(name, None)
        return {}

    def _list(
        self, caller: Caller, kind: str, request: Request, answer: str, prefix: str
    ) -> Request:
        summaries = [
            {f"{prefix}Name": each.name, f"{prefix}Arn": each.arn, "CreationTime": each.created}
            for each in self._store.all(caller.scope, kind)
        ]
        listed, more = page(summaries, request, name=f"{prefix}Name")
        return {answer: listed, **more}

    def _endpoint_at_rest(self, scope: Scope, name: str) -> Endpoint:
        endpoint = self._find(scope, "endpoint", name)
        if endpoint.status not in ("InService", "Failed"):
            raise validation_exception(f'Cannot update in-progress endpoint "{endpoint.arn}".')
        return endpoint

    def _check_scaled_variant(self, scope: Scope, endpoint: Endpoint, config: Record) -> None:
        """Refuse to change the instances of a variant that scales, or to take it away.

        So the developer guide, endpoint-scaling-update; it does not quote the message.
        """
        now, (wanted,) = endpoint.variant, config.request["ProductionVariants"]
        kept = now and (now.name, now.instance_type) == (
            wanted["VariantName"],
            wanted["InstanceType"],
        )
        targets = self._store.table(scope, SCALABLE_TARGET)
        if now and not kept and f"endpoint/{endpoint.name}/variant/{now.name}" in targets:
            raise validation_exception(
                f'The variant(s) "{now.name}" must be deregistered as scalable targets with '
                "AutoScaling before they can be removed or have their instance type updated."
            )

    def _deployment(
        self,
        scope: Scope,
        endpoint: str,
        config: Record,
        variant: Request,
        capture: Request | None,
    ) -> Deployment:
        model = self._find(scope, "model", variant["ModelName"]).request
        container = model["PrimaryContainer"]
        role = self._roles.assume(scope, model["ExecutionRoleArn"])
        try:
            image = images.resolve_serving_image(container["Image"], scope)
        except ServiceError:  # it was there when the model was created
            image = None
        command = images.serving_command(container["Image"])
        isolated = model.get("EnableNetworkIsolation", False)
        servers = [
            ModelServer(endpoint, variant, container, command, role, self._home, isolated)
            for _ in range(variant["InitialInstanceCount"])
        ]
        made = Variant(
            name=variant["VariantName"],
            instance_type=variant["InstanceType"],
            specified_image=container["Image"],
            resolved_image=image,
            role=role,
            servers=servers,
        )
        return Deployment(endpoint, config, made, capture)


def _retained(
    request: Request, endpoint: Endpoint, config: Record
) -> tuple[Request, Request | None]:
    """The variant, and the DataCaptureConfig, with which an endpoint is updated."""
    (variant,) = config.request["ProductionVariants"]
    capture = config.request.get("DataCaptureConfig")
    named = request.get("ExcludeRetainedVariantProperties") or []
    excluded = {each["VariantPropertyType"] for each in named}
    if not request.get("RetainAllVariantProperties"):
        if excluded:
            raise not_emulated("ExcludeRetainedVariantProperties of what is not retained")
        return variant, capture
    now = endpoint.variant
    if now and now.name == variant["VariantName"] and "DesiredInstanceCount" not in excluded:
        variant = variant | {"InitialInstanceCount": len(now.servers)}
    return variant, capture if "DataCaptureConfig" in excluded else endpoint.capture_config


def _described(record: Record, arn_member: str) -> Request:
    asked = {name: value for name, value in record.request.items() if name != "Tags"}
    return {**asked, arn_member: record.arn, "CreationTime": record.created}


def _check_model_data(uri: str, role: ExecutionRole) -> None:
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
            f'"s3:GetObject" permissions and that the object is located in {role.scope.region}.'
        ) from None
    except BotoCoreError as error:
        raise validation_exception(f"Could not access model data at {uri}: {error}") from None
