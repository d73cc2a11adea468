"""An endpoint's automatic scaling: more instances when each has more calls than it should."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import click
from botocore.exceptions import ClientError

from service import terminal
from service.aws_errors import call_unless_refused
from service.hosting import VARIANT, Hosting

METRIC = "SageMakerVariantInvocationsPerInstance"
# The fields of a description that RegisterScalableTarget and PutScalingPolicy take.
TARGET_FIELDS = ("MinCapacity", "MaxCapacity", "SuspendedState")
POLICY_FIELDS = (
    *("PolicyName", "PolicyType"),
    *("TargetTrackingScalingPolicyConfiguration", "StepScalingPolicyConfiguration"),
)


class Bounds(NamedTuple):
    """The fewest and the most instances."""

    least: int
    most: int

    def __str__(self):
        return f"{self.least} to {self.most} instances"


def parse_bounds(value: str) -> Bounds:
    """Return the bounds that `1-4` stands for. Raises BadParameter."""
    if re.fullmatch(r"[0-9]{1,4}-[0-9]{1,4}", value):
        bounds = Bounds(*map(int, value.split("-")))
        if 1 <= bounds.least <= bounds.most:
            return bounds
    raise click.BadParameter(f"{value!r} is not LEAST-MOST instances, such as 1-4.")


class Scaling:
    """One endpoint's target tracking, on the invocations of each instance."""

    def __init__(self, autoscaling, endpoint: str):
        self._autoscaling = autoscaling
        self._endpoint = endpoint
        self._target = {
            "ServiceNamespace": "sagemaker",
            "ResourceId": f"endpoint/{endpoint}/variant/{VARIANT}",
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        }

    def set(self, bounds: Bounds, invocations_a_minute: float) -> None:
        """Scale within the bounds so that each instance gets about these invocations a minute."""
        self._autoscaling.register_scalable_target(
            **self._target, MinCapacity=bounds.least, MaxCapacity=bounds.most
        )
        self._autoscaling.put_scaling_policy(
            **self._target,
            PolicyName=f"{self._endpoint}-invocations",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": invocations_a_minute,
                "PredefinedMetricSpecification": {"PredefinedMetricType": METRIC},
            },
        )

    def is_set(self) -> bool:
        """Whether the endpoint scales."""
        return bool(self._targets())

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Remove the scaling during the block; put it back then, with its bounds and policies.

        AWS refuses an update to another instance type while the endpoint scales.
        """
        (target,) = self._targets()
        policies = self._autoscaling.describe_scaling_policies(
            ServiceNamespace=self._target["ServiceNamespace"],
            ResourceId=self._target["ResourceId"],
        )["ScalingPolicies"]
        self.remove()
        try:
            yield
        finally:
            try:
                fields = _choose(target, TARGET_FIELDS)
                self._autoscaling.register_scalable_target(**self._target, **fields)
                for policy in policies:
                    fields = _choose(policy, POLICY_FIELDS)
                    self._autoscaling.put_scaling_policy(**self._target, **fields)
            except ClientError as error:
                bounds = f"{target['MinCapacity']}-{target['MaxCapacity']}"
                terminal.warn(
                    f"The endpoint no longer scales: {terminal.explain(error)}. "
                    "Once it is in service: "
                    f"python -m scripts.deploy_endpoint --autoscale {bounds} (same --stage)"
                )

    def remove(self) -> bool:
        """Remove the scaling and its policy. False if there was none."""
        missing = ("ObjectNotFoundException",)
        deregister = self._autoscaling.deregister_scalable_target
        return call_unless_refused(missing, deregister, **self._target) is not None

    def _targets(self) -> list[dict]:
        return self._autoscaling.describe_scalable_targets(
            ServiceNamespace=self._target["ServiceNamespace"],
            ResourceIds=[self._target["ResourceId"]],
        )["ScalableTargets"]


def delete_endpoint(hosting: Hosting, scaling: Scaling) -> None:
    """Delete the endpoint's scaling, then the endpoint, its configurations and models."""
    if scaling.remove():
        terminal.print_line("Scaling", "removed")
    outcome = "deleted" if hosting.delete() else "was not there"
    terminal.print_line("Endpoint", f"{hosting.endpoint} {outcome}")


def _choose(description: dict, names: tuple[str, ...]) -> dict:
    return {name: description[name] for name in names if name in description}
