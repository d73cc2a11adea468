"""The operations on models, endpoint configurations and endpoints that this service uses."""

from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from local.sagemaker import images, objects
from local.sagemaker.caller import Caller, Request, check_quota
from local.sagemaker.endpoints import Deployment, Endpoint, Variant
from local.sagemaker.errors import ServiceError, not_emulated, validation_exception
from local.sagemaker.records import SCALABLE_TARGET, Record, Scope, Store, page
from local.sagemaker.roles import ExecutionRole, Roles, check_pass_role
from local.sagemaker.serving import ModelServer

_INSTANCES_A_VARIANT = 4


class HostingOperations:
    """Each takes a request that fits botocore's model and gives the answer that AWS would."""

    def __init__(self, store: Store, roles: Roles, home: Path):
        self._store = store
        self._roles = roles
        self._home = home

    def endpoint(self, scope: Scope, name: str) -> Endpoint | None:
        """The endpoint of that name, if there is one."""
        return self._store.table(scope, "endpoint").get(name)

    # Models

    def create_model(self, caller: Caller, request: Request) -> Request:
        """CreateModel: the role must be able to read the model's archive."""
        container = _container(request)
        if not container or not container.get("Image"):
            raise not_emulated("a model that is not one container with an Image")
        images.resolve_serving_image(container["Image"], caller.scope)
        if not request.get("ExecutionRoleArn"):
            raise not_emulated("a model without an ExecutionRoleArn")
        check_pass_role(caller.access_key_id, caller.scope, request["ExecutionRoleArn"])
        role = self._roles.assume(caller.scope, request["ExecutionRoleArn"])
        if container.get("ModelDataUrl"):
            _check_model_data(container["ModelDataUrl"], role)
        return {"ModelArn": self._add(caller, "model", "model", request["ModelName"], request)}

    def describe_model(self, caller: Caller, request: Request) -> Request:
        """DescribeModel."""
        return _described(self._model(caller.scope, request["ModelName"]), "ModelArn")

    def delete_model(self, caller: Caller, request: Request) -> Request:
        """DeleteModel: endpoints that run it keep their copy."""
        self._model(caller.scope, request["ModelName"])
        self._store.table(caller.scope, "model").pop(request["ModelName"], None)
        return {}

    def list_models(self, caller: Caller, request: Request) -> Request:
        """ListModels."""
        models = [
            {"ModelName": model.name, "ModelArn": model.arn, "CreationTime": model.created}
            for model in self._store.all(caller.scope, "model")
        ]
        listed, more = page(models, request, name="ModelName", order="Descending")
        return {"Models": listed, **more}

    def _model(self, scope: Scope, name: str) -> Record:
        models = self._store.table(scope, "model")
        if name not in models:
            raise validation_exception(f'Could not find model "{scope.arn("model", name)}".')
        return models[name]

    # Endpoint configurations

    def create_endpoint_config(self, caller: Caller, request: Request) -> Request:
        """CreateEndpointConfig."""
        names = [variant["VariantName"] for variant in request["ProductionVariants"]]
        if len(set(names)) < len(names):
            raise validation_exception("Production variant names must be unique.")
        for variant in request["ProductionVariants"]:
            for member in ("ModelName", "InstanceType", "InitialInstanceCount"):
                if not variant.get(member):
                    raise not_emulated(f"a production variant without {member}")
            self._model(caller.scope, variant["ModelName"])
            check_quota(
                f"{variant['InstanceType']} for endpoint usage",
                variant["InitialInstanceCount"],
                _INSTANCES_A_VARIANT,
            )
        name = request["EndpointConfigName"]
        kind = "endpoint-config"
        return {
            "EndpointConfigArn": self._add(caller, kind, "endpoint configuration", name, request)
        }

    def describe_endpoint_config(self, caller: Caller, request: Request) -> Request:
        """DescribeEndpointConfig."""
        config = self._endpoint_config(caller.scope, request["EndpointConfigName"])
        return _described(config, "EndpointConfigArn")

    def delete_endpoint_config(self, caller: Caller, request: Request) -> Request:
        """DeleteEndpointConfig: endpoints that run it go on."""
        self._endpoint_config(caller.scope, request["EndpointConfigName"])
        self._store.table(caller.scope, "endpoint-config").pop(request["EndpointConfigName"], None)
        return {}

    def list_endpoint_configs(self, caller: Caller, request: Request) -> Request:
        """ListEndpointConfigs."""
        configs = [
            {
                "EndpointConfigName": config.name,
                "EndpointConfigArn": config.arn,
                "CreationTime": config.created,
            }
            for config in self._store.all(caller.scope, "endpoint-config")
        ]
        listed, more = page(configs, request, name="EndpointConfigName", order="Descending")
        return {"EndpointConfigs": listed, **more}

    def _endpoint_config(self, scope: Scope, name: str) -> Record:
        configs = self._store.table(scope, "endpoint-config")
        if name not in configs:
            arn = scope.arn("endpoint-config", name)
            raise validation_exception(f'Could not find endpoint configuration "{arn}".')
        return configs[name]

    # Endpoints

    def create_endpoint(self, caller: Caller, request: Request) -> Request:
        """CreateEndpoint: starts the servers; the endpoint is Creating until they answer."""
        scope, name = caller.scope, request["EndpointName"]
        with self._store.lock:
            endpoints = self._store.table(scope, "endpoint")
            if name in endpoints:
                raise validation_exception(
                    f'Cannot create already existing endpoint "{endpoints[name].arn}".'
                )
            config = self._endpoint_config(scope, request["EndpointConfigName"])
            asked = config.request
            deployment = self._deployment(
                scope, name, config, asked["ProductionVariants"], asked.get("DataCaptureConfig")
            )
            endpoint = endpoints[name] = Endpoint(name, scope, config)
            endpoint.deploy(deployment, "Creating")
        return {"EndpointArn": endpoint.arn}

    def update_endpoint(self, caller: Caller, request: Request) -> Request:
        """UpdateEndpoint: the new servers start beside the old, which answer until then.

        With RetainAllVariantProperties, variants keep the instances and the weight that they have,
        and the endpoint what it captures, but for the properties that are excluded.
        """
        with self._store.lock:
            endpoint = self._endpoint_at_rest(caller.scope, request["EndpointName"])
            if endpoint.status == "Failed":
                raise validation_exception(f'Cannot update failed endpoint "{endpoint.arn}".')
            config = self._endpoint_config(caller.scope, request["EndpointConfigName"])
            self._check_scaled_variants(caller.scope, endpoint, config)
            deployment = self._deployment(
                caller.scope, endpoint.name, config, *_retained(request, endpoint, config)
            )
            endpoint.deploy(deployment, "Updating")
        return {"EndpointArn": endpoint.arn}

    def delete_endpoint(self, caller: Caller, request: Request) -> Request:
        """DeleteEndpoint: the endpoint is Deleting until its servers have ended.

        Its variants are scalable targets no longer (developer guide, endpoint-delete-with-scaling).
        """
        scope, name = caller.scope, request["EndpointName"]
        with self._store.lock:
            endpoint = self._endpoint_at_rest(scope, name)
            targets = self._store.table(scope, SCALABLE_TARGET)
            for variant in endpoint.variants:
                targets.pop(f"endpoint/{name}/variant/{variant}", None)
            endpoint.delete(lambda: self._store.table(scope, "endpoint").pop(name, None))
        return {}

    def describe_endpoint(self, caller: Caller, request: Request) -> Request:
        """DescribeEndpoint."""
        return self._endpoint(caller.scope, request["EndpointName"]).describe()

    def list_endpoints(self, caller: Caller, request: Request) -> Request:
        """ListEndpoints."""
        endpoints = [endpoint.summary() for endpoint in self._store.all(caller.scope, "endpoint")]
        listed, more = page(
            endpoints, request, name="EndpointName", status="EndpointStatus", order="Descending"
        )
        return {"Endpoints": listed, **more}

    def _endpoint(self, scope: Scope, name: str) -> Endpoint:
        endpoint = self.endpoint(scope, name)
        if not endpoint:
            raise validation_exception(f'Could not find endpoint "{scope.arn("endpoint", name)}".')
        return endpoint

    def _endpoint_at_rest(self, scope: Scope, name: str) -> Endpoint:
        endpoint = self._endpoint(scope, name)
        if endpoint.status not in ("InService", "Failed"):
            raise validation_exception(f'Cannot update in-progress endpoint "{endpoint.arn}".')
        return endpoint

    def _check_scaled_variants(self, scope: Scope, endpoint: Endpoint, config: Record) -> None:
        """Refuse to change the instances of a variant that scales, or to take it away.

        So the developer guide, endpoint-scaling-update; it does not quote the message.
        """
        wanted = {each["VariantName"]: each for each in config.request["ProductionVariants"]}
        targets = self._store.table(scope, SCALABLE_TARGET)
        for name, variant in endpoint.variants.items():
            scales = f"endpoint/{endpoint.name}/variant/{name}" in targets
            if scales and wanted.get(name, {}).get("InstanceType") != variant.instance_type:
                raise validation_exception(
                    f'The variant(s) "{name}" must be deregistered as scalable targets with '
                    "AutoScaling before they can be removed or have their instance type updated."
                )

    def _deployment(
        self,
        scope: Scope,
        endpoint: str,
        config: Record,
        variants: list[Request],
        capture: Request | None,
    ) -> Deployment:
        made = [self._variant(scope, endpoint, variant) for variant in variants]
        return Deployment(endpoint, config, made, capture)

    def _variant(self, scope: Scope, endpoint: str, variant: Request) -> Variant:
        model = self._model(scope, variant["ModelName"])
        container = _container(model.request)
        role = self._roles.assume(scope, model.request["ExecutionRoleArn"])
        try:
            image = images.resolve_serving_image(container["Image"], scope)
        except ServiceError:  # it was there when the model was created
            image = None
        command = images.serving_command(container["Image"])
        isolated = model.request.get("EnableNetworkIsolation", False)
        servers = [
            ModelServer(endpoint, variant, container, command, role, self._home, isolated)
            for _ in range(variant["InitialInstanceCount"])
        ]
        weight = variant.get("InitialVariantWeight", 1.0)
        return Variant(
            name=variant["VariantName"],
            instance_type=variant["InstanceType"],
            weight=weight,
            specified_image=container["Image"],
            resolved_image=image,
            role=role,
            servers=servers,
        )

    def _add(self, caller: Caller, kind: str, words: str, name: str, request: Request) -> str:
        """Keep a new record and return its ARN."""
        with self._store.lock:
            records = self._store.table(caller.scope, kind)
            if name in records:
                raise validation_exception(
                    f'Cannot create already existing {words} "{records[name].arn}".'
                )
            record = records[name] = Record(name, caller.scope.arn(kind, name), request)
        return record.arn


def _container(model: Request) -> Request | None:
    """The model's container, if it is one."""
    containers = [model["PrimaryContainer"]] if model.get("PrimaryContainer") else []
    containers += model.get("Containers") or []
    return containers[0] if len(containers) == 1 else None


def _retained(
    request: Request, endpoint: Endpoint, config: Record
) -> tuple[list[Request], Request | None]:
    """The variants, and the DataCaptureConfig, with which an endpoint is updated."""
    variants = config.request["ProductionVariants"]
    capture = config.request.get("DataCaptureConfig")
    asked = request.get("ExcludeRetainedVariantProperties") or []
    excluded = {each["VariantPropertyType"] for each in asked}
    if not request.get("RetainAllVariantProperties"):
        if excluded:
            raise not_emulated("ExcludeRetainedVariantProperties of what is not retained")
        return variants, capture
    kept = []
    for variant in variants:
        now = endpoint.variants.get(variant["VariantName"])
        properties = {}
        if now and "DesiredInstanceCount" not in excluded:
            properties["InitialInstanceCount"] = len(now.servers)
        if now and "DesiredWeight" not in excluded:
            properties["InitialVariantWeight"] = now.weight
        kept.append(variant | properties)
    return kept, capture if "DataCaptureConfig" in excluded else endpoint.capture_config


def _described(record: Record, arn_member: str) -> Request:
    asked = {name: value for name, value in record.request.items() if name != "Tags"}
    return {**asked, arn_member: record.arn, "CreationTime": record.created}


def _check_model_data(uri: str, role: ExecutionRole) -> None:
    bucket, key = objects.split(uri)
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
