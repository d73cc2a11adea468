"""Application Auto Scaling of endpoints: recorded, never acted upon.

MiniStack has no such service, and nothing here changes how many instances a variant has: what is
asked for is checked as AWS checks it, kept, and described again, so that the commands that set
scaling up and take it down can be run and tested. Whether a policy would scale as it should is
AWS's to show. What would only make sense of scaling that happens (its activities, scheduled
actions, forecasts) is refused by name.
"""

import logging
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any

from ministack.core import responses

from local.sagemaker import validation
from local.sagemaker.api import Answer, denied, error_answer, json_answer, parse
from local.sagemaker.caller import Request
from local.sagemaker.errors import ServiceError, not_emulated, validation_exception
from local.sagemaker.hosting_operations import HostingOperations
from local.sagemaker.records import SCALABLE_TARGET, Scope, Store

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


class ScalingApi:
    """MiniStack's handler of the service."""

    def __init__(self, hosting: HostingOperations, store: Store):
        self._hosting = hosting
        self._store = store
        self._lock = threading.Lock()
        self._operations = {
            "RegisterScalableTarget": (self._register, f"{_KEY} MinCapacity MaxCapacity"),
            "DeregisterScalableTarget": (self._deregister, _KEY),
            "DescribeScalableTargets": (
                self._describe_targets,
                "ServiceNamespace ResourceIds ScalableDimension",
            ),
            "PutScalingPolicy": (
                self._put_policy,
                f"{_KEY} PolicyName PolicyType {_TRACKING}.TargetValue {_TRACKING}.DisableScaleIn "
                f"{_TRACKING}.PredefinedMetricSpecification.PredefinedMetricType "
                f"{_TRACKING}.ScaleInCooldown {_TRACKING}.ScaleOutCooldown",
            ),
            "DeleteScalingPolicy": (self._delete_policy, f"{_KEY} PolicyName"),
            "DescribeScalingPolicies": (
                self._describe_policies,
                "ServiceNamespace PolicyNames ResourceId ScalableDimension",
            ),
        }

    async def handle(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict
    ) -> Answer:
        """Answer a request; `headers` have lower-case names."""
        scope = Scope(responses.get_account_id(), responses.get_region())
        name = headers.get("x-amz-target", "").removeprefix(TARGET)
        try:
            if name not in self._operations:
                raise ServiceError(
                    "UnknownOperationException",
                    f"The local cloud does not emulate Application Auto Scaling's {name}.",
                )
            refusal = denied(SERVICE, name, _arn(scope, "scalable-target/*"), headers, query)
            if refusal:
                return refusal
            run, emulated = self._operations[name]
            request = parse(body)
            validation.check(name, request, SERVICE)
            validation.check_emulated(name, request, frozenset(emulated.split()))
            _check_emulated_target(request)
            with self._lock:
                return json_answer(run(scope, request))
        except ServiceError as error:
            return error_answer(error)

    def _register(self, scope: Scope, request: Request) -> Request:
        resource = request["ResourceId"]
        known = self._targets(scope).get(resource)
        before = known.described if known else {}
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
        if not known:
            described = {
                "ServiceNamespace": _NAMESPACE,
                "ResourceId": resource,
                "ScalableDimension": _DIMENSION,
                "RoleARN": f"arn:aws:iam::{scope.account}:role/aws-service-role/"
                "sagemaker.application-autoscaling.amazonaws.com/"
                "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
                "CreationTime": time.time(),
                "ScalableTargetARN": _arn(scope, f"scalable-target/{uuid.uuid4().hex}"),
            }
            known = self._targets(scope)[resource] = _Target(described, {})
            _logger.warning("%s: scaling is recorded; the local cloud does not scale", resource)
        known.described |= limits
        return {"ScalableTargetARN": known.described["ScalableTargetARN"]}

    def _deregister(self, scope: Scope, request: Request) -> Request:
        self._target(scope, request)
        del self._targets(scope)[request["ResourceId"]]  # and its policies
        return {}

    def _describe_targets(self, scope: Scope, request: Request) -> Request:
        wanted = request.get("ResourceIds")
        return {
            "ScalableTargets": [
                target.described
                for resource, target in self._targets(scope).items()
                if not wanted or resource in wanted
            ]
        }

    def _put_policy(self, scope: Scope, request: Request) -> Request:
        target = self._target(scope, request)
        tracking = request.get(_TRACKING)
        if request.get("PolicyType") != "TargetTrackingScaling" or not tracking:
            raise not_emulated("a scaling policy other than TargetTrackingScaling")
        metric = tracking.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
        if metric != _METRIC:
            raise not_emulated(f"target tracking of another metric than {_METRIC}")
        if tracking["TargetValue"] <= 0:
            raise validation_exception("TargetValue must be greater than 0.")
        name = request["PolicyName"]
        before = target.policies.get(name)
        identity = before or {
            "PolicyARN": _arn(
                scope,
                f"scalingPolicy:{uuid.uuid4()}:resource/{_NAMESPACE}/{request['ResourceId']}:"
                f"policyName/{name}",
            ).replace(f":{SERVICE}:", ":autoscaling:"),
            "CreationTime": time.time(),
        }
        target.policies[name] = {**identity, **request, "Alarms": []}
        return {"PolicyARN": identity["PolicyARN"], "Alarms": []}

    def _delete_policy(self, scope: Scope, request: Request) -> Request:
        target = self._target(scope, request)
        if not target.policies.pop(request["PolicyName"], None):
            raise _not_found("scaling policy", request["PolicyName"])
        return {}

    def _describe_policies(self, scope: Scope, request: Request) -> Request:
        names, wanted = request.get("PolicyNames"), request.get("ResourceId")
        return {
            "ScalingPolicies": [
                policy
                for resource, target in self._targets(scope).items()
                for name, policy in target.policies.items()
                if wanted in (None, resource) and (not names or name in names)
            ]
        }

    def _targets(self, scope: Scope) -> dict[str, _Target]:
        return self._store.table(scope, SCALABLE_TARGET)

    def _target(self, scope: Scope, request: Request) -> _Target:
        target = self._targets(scope).get(request["ResourceId"])
        if not target:
            raise _not_found("scalable target", request["ResourceId"])
        return target

    def _check_variant(self, scope: Scope, resource: str) -> None:
        """Raise ValidationException unless it names a variant of an endpoint in service."""
        match resource.split("/"):
            case ["endpoint", name, "variant", variant]:
                endpoint = self._hosting.endpoint(scope, name)
            case _:
                raise validation_exception(f"Unsupported resource ID: {resource}")
        variants = endpoint.describe().get("ProductionVariants", []) if endpoint else []
        if variant not in [described["VariantName"] for described in variants]:
            raise validation_exception(
                f"Could not find variant {variant} of endpoint {name}, or it is not in service."
            )


def _check_emulated_target(request: Request) -> None:
    if request["ServiceNamespace"] != _NAMESPACE:
        raise not_emulated(f"scaling of {request['ServiceNamespace']}")
    if request.get("ScalableDimension", _DIMENSION) != _DIMENSION:
        raise not_emulated(f"scaling by {request['ScalableDimension']}")


def _arn(scope: Scope, resource: str) -> str:
    return f"arn:aws:{SERVICE}:{scope.region}:{scope.account}:{resource}"


def _not_found(kind: str, name: str) -> ServiceError:
    return ServiceError(
        "ObjectNotFoundException",
        f"No {kind} found for service namespace: {_NAMESPACE}, resource ID: {name}, "
        f"scalable dimension: {_DIMENSION}",
    )
