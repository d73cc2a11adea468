"""An endpoint's automatic scaling: more instances when each has more calls than it should."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click
from botocore.exceptions import ClientError

from service import terminal
from service.hosting import VARIANT, Hosting

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
METRIC = "SageMakerVariantInvocationsPerInstance"
# Of what Describe... answers, what Register... and Put... take.
OF_TARGET = ("MinCapacity", "MaxCapacity", "SuspendedState")
OF_POLICY = (
    *("PolicyName", "PolicyType"),
    *("TargetTrackingScalingPolicyConfiguration", "StepScalingPolicyConfiguration"),
)


@dataclass(frozen=True)
class Bounds:
    """How many instances there are at least and at most."""

    least: int
    most: int

    def __str__(self):
        return f"{self.least} to {self.most} instances"


class BoundsType(click.ParamType):
    """`1-4` at the command line: Bounds."""

    name = "bounds"

    def convert(self, value, param, ctx):
        """Return the Bounds."""
        found = re.fullmatch(r"([0-9]{1,4})-([0-9]{1,4})", value)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            self.fail(f"{value!r} is not LEAST-MOST instances, such as 1-4.", param, ctx)
        return Bounds(int(found[1]), int(found[2]))


class Scaling:
    """Target tracking on the invocations that each instance gets, of one endpoint."""

    def __init__(self, autoscaling, endpoint: str):
        self._autoscaling = autoscaling
        self._endpoint = endpoint
        self._target = {
            "ServiceNamespace": "sagemaker",
            "ResourceId": f"endpoint/{endpoint}/variant/{VARIANT}",
            "ScalableDimension": DIMENSION,
        }

    def set(self, limits: Bounds, invocations_a_minute: float) -> None:
        """Scale within the limits so that an instance gets about so many invocations a minute."""
        self._autoscaling.register_scalable_target(
            **self._target, MinCapacity=limits.least, MaxCapacity=limits.most
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
        """Take the scaling away for the block, and put it back with its bounds and policies.

        For an update to another instance type, which AWS refuses while the endpoint scales.
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
                self._autoscaling.register_scalable_target(
                    **self._target, **_members(target, OF_TARGET)
                )
                for policy in policies:
                    self._autoscaling.put_scaling_policy(
                        **self._target, **_members(policy, OF_POLICY)
                    )
            except ClientError as error:
                limits = f"{target['MinCapacity']}-{target['MaxCapacity']}"
                terminal.warn(
                    f"The endpoint no longer scales: {terminal.explain(error)}. "
                    "Once it is in service: "
                    f"python -m scripts.deploy_endpoint --autoscale {limits} (same --stage)"
                )

    def remove(self) -> bool:
        """Remove the scaling and its policy. False if there was none."""
        try:
            self._autoscaling.deregister_scalable_target(**self._target)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ObjectNotFoundException":
                return False
            raise
        return True

    def _targets(self) -> list[dict]:
        return self._autoscaling.describe_scalable_targets(
            ServiceNamespace=self._target["ServiceNamespace"],
            ResourceIds=[self._target["ResourceId"]],
        )["ScalableTargets"]


def delete_endpoint(hosting: Hosting, scaled: Scaling) -> None:
    """Delete the endpoint and what belongs to it, its scaling first; print what there was."""
    if scaled.remove():
        terminal.print_line("Scaling", "removed")
    found = hosting.delete()
    terminal.print_line("Endpoint", f"{hosting.endpoint} {'deleted' if found else 'was not there'}")


def _members(described: dict, names: tuple[str, ...]) -> dict:
    return {name: described[name] for name in names if name in described}
