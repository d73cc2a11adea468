"""An endpoint's automatic scaling: more instances when each has more calls than it should."""

import re
from argparse import ArgumentTypeError
from dataclasses import dataclass

from botocore.exceptions import ClientError

from scripts.hosting import VARIANT

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
METRIC = "SageMakerVariantInvocationsPerInstance"


@dataclass(frozen=True)
class Bounds:
    """How many instances there are at least and at most."""

    least: int
    most: int

    def __str__(self):
        return f"{self.least} to {self.most} instances"


def bounds(text: str) -> Bounds:
    """Parse `1-4` (an argparse type)."""
    found = re.fullmatch(r"([0-9]{1,4})-([0-9]{1,4})", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise ArgumentTypeError(f"{text!r} is not LEAST-MOST instances, such as 1-4")
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
        targets = self._autoscaling.describe_scalable_targets(
            ServiceNamespace=self._target["ServiceNamespace"],
            ResourceIds=[self._target["ResourceId"]],
        )
        return bool(targets["ScalableTargets"])

    def remove(self) -> bool:
        """Remove the scaling and its policy. False if there was none."""
        try:
            self._autoscaling.deregister_scalable_target(**self._target)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ObjectNotFoundException":
                return False
            raise
        return True
