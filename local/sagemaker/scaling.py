"""Application Auto Scaling of endpoints: recorded, never acted upon.

MiniStack has no such service, and nothing here changes how many instances a variant has: what is
asked for is checked as AWS checks it, kept, and described again, so that the commands that set
scaling up and take it down can be run and tested. What would only make sense of scaling that
happens (its activities, scheduled actions, forecasts) is refused by name.
"""

import logging
import time
import uuid
from dataclasses import dataclass
from typing import Any

from local.sagemaker.errors import ServiceError, not_emulated, validation_exception
from local.sagemaker.hosting import Hosting
from local.sagemaker.operations import operation
from local.sagemaker.records import SCALABLE_TARGET, Caller, Request, Scope, Store

SERVICE = "application-autoscaling"
TARGET = "AnyScaleFrontendService."
_NAMESPACE = "sagemaker"
_DIMENSION = "sagemaker:variant:DesiredInstanceCount"
_METRIC = "SageMakerVariantInvocationsPerInstance"
_KEY = "ServiceNamespace ResourceId ScalableDimension"
_TRACKING = "TargetTrackingScalingPolicyConfiguration"

_logger = logging.getLogger(__name__)


@dataclass
class _Target:
    """A scalable target as described, and its policies by name."""

    described: dict[str, Any]
    policies: dict[str, dict[str, Any]]


class Scaling:
    """Each operation takes a request that fits botocore's model and gives the answer of AWS."""

    def __init__(self, hosting: Hosting, store: Store):
        self._hosting = hosting
        self._store = store

    @operation(f"{_KEY} MinCapacity MaxCapacity", scalable_target="*")
    def register_scalable_target(self, caller: Caller, request: Request) -> Request:
        """Keep or change the bounds of a variant that is in service."""
        scope, resource = caller.scope, request["ResourceId"]
        with self._store.lock:
            targets = self._targets(scope, request)
            before = targets[resource].described if resource in targets else {}
            limits = {
                member: request.get(member, before.get(member))
                for member in ("MinCapacity", "MaxCapacity")
            }
            if None in limits.values():
                raise validation_exception("MinCapacity and MaxCapacity are required.")
            if not 0 < limits["MinCapacity"] <= limits["MaxCapacity"]:
                raise validation_exception(
                    "Minimum capacity must be at least 1 and not above maximum capacity."
                )
            self._check_variant(scope, resource)
            if not before:
                targets[resource] = _Target(_describe(scope, resource), {})
                _logger.warning("%s: scaling is recorded; the local cloud does not scale", resource)
            targets[resource].described |= limits
            return {"ScalableTargetARN": targets[resource].described["ScalableTargetARN"]}

    @operation(_KEY, scalable_target="*")
    def deregister_scalable_target(self, caller: Caller, request: Request) -> Request:
        """Forget the bounds and the policies."""
        self._target(caller, request)
        del self._targets(caller.scope, request)[request["ResourceId"]]
        return {}

    @operation("ServiceNamespace ResourceIds ScalableDimension", scalable_target="*")
    def describe_scalable_targets(self, caller: Caller, request: Request) -> Request:
        """The bounds of all variants, or of those that are named."""
        targets, wanted = self._targets(caller.scope, request), request.get("ResourceIds")
        found = [each.described for name, each in targets.items() if not wanted or name in wanted]
        return {"ScalableTargets": found}

    @operation(
        f"{_KEY} PolicyName PolicyType {_TRACKING}.TargetValue {_TRACKING}.DisableScaleIn "
        f"{_TRACKING}.PredefinedMetricSpecification.PredefinedMetricType "
        f"{_TRACKING}.ScaleInCooldown {_TRACKING}.ScaleOutCooldown",
        scalable_target="*",
    )
    def put_scaling_policy(self, caller: Caller, request: Request) -> Request:
        """Keep or change a policy."""
        target = self._target(caller, request)
        tracking = request.get(_TRACKING)
        if request.get("PolicyType") != "TargetTrackingScaling" or not tracking:
            raise not_emulated("a scaling policy other than TargetTrackingScaling")
        metric = tracking.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
        if metric != _METRIC:
            raise not_emulated(f"target tracking of another metric than {_METRIC}")
        if tracking["TargetValue"] <= 0:
            raise validation_exception("TargetValue must be greater than 0.")
        name, resource, scope = request["PolicyName"], request["ResourceId"], caller.scope
        identity = target.policies.get(name) or {
            "PolicyARN": f"arn:aws:autoscaling:{scope.region}:{scope.account}:scalingPolicy:"
            f"{uuid.uuid4()}:resource/{_NAMESPACE}/{resource}:policyName/{name}",
            "CreationTime": time.time(),
        }
        target.policies[name] = {**identity, **request, "Alarms": []}
        return {"PolicyARN": identity["PolicyARN"], "Alarms": []}

    @operation("ServiceNamespace ResourceId ScalableDimension", scalable_target="*")
    def describe_scaling_policies(self, caller: Caller, request: Request) -> Request:
        """The policies of all variants, or of one."""
        targets, wanted = self._targets(caller.scope, request), request.get("ResourceId")
        found = [
            policy
            for resource, target in targets.items()
            for policy in target.policies.values()
            if wanted in (None, resource)
        ]
        return {"ScalingPolicies": found}

    def _targets(self, scope: Scope, request: Request) -> dict[str, _Target]:
        if request["ServiceNamespace"] != _NAMESPACE:
            raise not_emulated(f"scaling of {request['ServiceNamespace']}")
        if request.get("ScalableDimension", _DIMENSION) != _DIMENSION:
            raise not_emulated(f"scaling by {request['ScalableDimension']}")
        return self._store.table(scope, SCALABLE_TARGET)

    def _target(self, caller: Caller, request: Request) -> _Target:
        target = self._targets(caller.scope, request).get(request["ResourceId"])
        if not target:
            raise ServiceError(
                "ObjectNotFoundException",
                f"No scalable target found for service namespace: {_NAMESPACE}, resource ID: "
                f"{request['ResourceId']}, scalable dimension: {_DIMENSION}",
            )
        return target

    def _check_variant(self, scope: Scope, resource: str) -> None:
        """Raise ValidationException unless it names a variant of an endpoint in service."""
        match resource.split("/"):
            case ["endpoint", name, "variant", variant]:
                endpoint = self._hosting.endpoint(scope, name)
            case _:
                raise validation_exception(f"Unsupported resource ID: {resource}")
        if not endpoint or not endpoint.variant or endpoint.variant.name != variant:
            raise validation_exception(
                f"Could not find variant {variant} of endpoint {name}, or it is not in service."
            )


def _describe(scope: Scope, resource: str) -> dict[str, Any]:
    return {
        "ServiceNamespace": _NAMESPACE,
        "ResourceId": resource,
        "ScalableDimension": _DIMENSION,
        "RoleARN": f"arn:aws:iam::{scope.account}:role/aws-service-role/"
        "sagemaker.application-autoscaling.amazonaws.com/"
        "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
        "CreationTime": time.time(),
        "ScalableTargetARN": scope.arn(SCALABLE_TARGET, uuid.uuid4().hex, SERVICE),
    }
