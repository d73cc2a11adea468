"""Application Auto Scaling of endpoints: recorded, never acted upon.

MiniStack has no such service, and nothing here changes how many instances a variant has: a request
is checked as AWS checks it, kept, and described again, so that the commands that set scaling up and
take it down can be run and tested. What would only make sense of scaling that happens (its
activities, scheduled actions, forecasts) is refused by name.
"""

import logging
import time
import uuid
from typing import Any

from ministack.core.responses import get_account_id, get_region

from local.sagemaker import records
from local.sagemaker.requests import Operations, Request, ServiceError, invalid

OPERATIONS = Operations()
_NAMESPACE = "ServiceNamespace=sagemaker"
_DIMENSION = "ScalableDimension=sagemaker:variant:DesiredInstanceCount"
_TRACKING = "TargetTrackingScalingPolicyConfiguration"
_METRIC = (
    "PredefinedMetricSpecification.PredefinedMetricType=SageMakerVariantInvocationsPerInstance"
)

# Targets as they are described, each with its policies by name.
_targets = records.tables["scalable-target"]
_logger = logging.getLogger(__name__)


@OPERATIONS.add(f"{_NAMESPACE} ResourceId {_DIMENSION} MinCapacity MaxCapacity")
def register_scalable_target(request: Request) -> Request:
    """Keep or change the bounds of a variant that is in service."""
    resource = request["ResourceId"]
    with records.lock:
        target, policies = _targets.get(resource, ({}, {}))
        arn = records.arn("scalable-target", uuid.uuid4().hex, "application-autoscaling")
        made = {"ScalableTargetARN": arn, "CreationTime": time.time()}
        target = {**made, **target, **request}
        if not {"MinCapacity", "MaxCapacity"} <= target.keys():
            raise invalid("MinCapacity and MaxCapacity are required.")
        if not 0 < target["MinCapacity"] <= target["MaxCapacity"]:
            raise invalid("Minimum capacity must be at least 1 and not above maximum capacity.")
        _check_variant(resource)
        if resource not in _targets:
            _logger.warning("%s: scaling is recorded; the local cloud does not scale", resource)
        _targets[resource] = target, policies
    return {"ScalableTargetARN": target["ScalableTargetARN"]}


@OPERATIONS.add(f"{_NAMESPACE} ResourceId {_DIMENSION}")
def deregister_scalable_target(request: Request) -> Request:
    """Forget the bounds and the policies."""
    _find_policies(request)
    del _targets[request["ResourceId"]]
    return {}


@OPERATIONS.add(f"{_NAMESPACE} ResourceIds {_DIMENSION}")
def describe_scalable_targets(request: Request) -> Request:
    """The bounds of all variants, or of those that are named."""
    names = request.get("ResourceIds") or list(_targets)
    return {"ScalableTargets": [target for name, (target, _) in _targets.items() if name in names]}


@OPERATIONS.add(
    f"""{_NAMESPACE} ResourceId {_DIMENSION} PolicyName PolicyType=TargetTrackingScaling!
    {_TRACKING}.TargetValue {_TRACKING}.{_METRIC}!"""
)
def put_scaling_policy(request: Request) -> Request:
    """Keep or change a policy."""
    policies = _find_policies(request)
    if request[_TRACKING]["TargetValue"] <= 0:
        raise invalid("TargetValue must be greater than 0.")
    name, resource = request["PolicyName"], request["ResourceId"]
    identity = {
        "PolicyARN": f"arn:aws:autoscaling:{get_region()}:{get_account_id()}:scalingPolicy:"
        f"{uuid.uuid4()}:resource/sagemaker/{resource}:policyName/{name}",
        "CreationTime": time.time(),
    }
    policies[name] = {**identity, **policies.get(name, {}), **request, "Alarms": []}
    return {"PolicyARN": policies[name]["PolicyARN"], "Alarms": []}


@OPERATIONS.add(f"{_NAMESPACE} ResourceId {_DIMENSION}")
def describe_scaling_policies(request: Request) -> Request:
    """The policies of all variants, or of one."""
    named = [request["ResourceId"]] if "ResourceId" in request else list(_targets)
    found = [policies for name, (_, policies) in _targets.items() if name in named]
    return {"ScalingPolicies": [policy for each in found for policy in each.values()]}


def _find_policies(request: Request) -> dict[str, Any]:
    if request["ResourceId"] not in _targets:
        raise ServiceError(
            "ObjectNotFoundException",
            "No scalable target found for service namespace: sagemaker, resource ID: "
            f"{request['ResourceId']}, scalable dimension: {request['ScalableDimension']}",
        )
    return _targets[request["ResourceId"]][1]


def _check_variant(resource: str) -> None:
    """Raise ValidationException unless it names a variant of an endpoint in service."""
    match resource.split("/"):
        case ["endpoint", name, "variant", variant]:
            endpoint = records.tables["endpoint"].get(name)
        case _:
            raise invalid(f"Unsupported resource ID: {resource}")
    deployment = endpoint and endpoint.deployment
    if not deployment or deployment.variant != variant:
        raise invalid(
            f"Could not find variant {variant} of endpoint {name}, or it is not in service."
        )
