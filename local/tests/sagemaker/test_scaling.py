"""What an endpoint's scaling is to be is recorded; what would need real scaling is refused."""

import pytest
from botocore.exceptions import ClientError

KEY = {
    "ServiceNamespace": "sagemaker",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
RANGE = {"MinCapacity": 1, "MaxCapacity": 3}
TRACKING = {
    "TargetValue": 100.0,
    "PredefinedMetricSpecification": {
        "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
    },
}


class Scaling:
    """Application Auto Scaling of one variant."""

    def __init__(self, client, resource: str):
        self.client, self.exceptions = client, client.exceptions
        self.key = {**KEY, "ResourceId": resource}

    def register(self, **capacity: int) -> None:
        self.client.register_scalable_target(**self.key, **capacity or RANGE)

    def deregister(self) -> None:
        self.client.deregister_scalable_target(**self.key)

    def put_policy(self, **changes) -> dict:
        policy = {
            "PolicyName": "by invocations",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": TRACKING,
        }
        return self.client.put_scaling_policy(**self.key | policy | changes)

    def targets(self) -> list[dict]:
        return self.client.describe_scalable_targets(
            ServiceNamespace="sagemaker", ResourceIds=[self.key["ResourceId"]]
        )["ScalableTargets"]

    def policies(self) -> list[dict]:
        return self.client.describe_scaling_policies(
            ServiceNamespace="sagemaker", ResourceId=self.key["ResourceId"]
        )["ScalingPolicies"]


@pytest.fixture
def scaling(session, endpoint):
    """Of the variant of an endpoint in service; not scaled before or after."""
    scaling = Scaling(session.client("application-autoscaling"), f"endpoint/{endpoint}/variant/v0")
    yield scaling
    if scaling.targets():
        scaling.deregister()


def test_a_target_and_its_policy_are_kept_and_removed_together(scaling, sagemaker, endpoint):
    with pytest.raises(scaling.exceptions.ObjectNotFoundException):
        scaling.put_policy()
    scaling.register()
    scaling.register(MaxCapacity=4)
    (target,) = scaling.targets()
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)

    put = scaling.put_policy()
    (policy,) = scaling.policies()
    assert policy["PolicyARN"] == put["PolicyARN"]
    assert policy["TargetTrackingScalingPolicyConfiguration"] == TRACKING

    (variant,) = sagemaker.client.describe_endpoint(EndpointName=endpoint)["ProductionVariants"]
    assert variant["DesiredInstanceCount"] == 1  # it does not scale

    scaling.deregister()
    assert scaling.targets() == scaling.policies() == []
    with pytest.raises(scaling.exceptions.ObjectNotFoundException):
        scaling.deregister()


@pytest.mark.parametrize(
    ("variant", "capacity"),
    [
        ("endpoint/{}/variant/v7", RANGE),
        ("{}", RANGE),
        ("endpoint/{}/variant/v0", {"MinCapacity": 1}),
        ("endpoint/{}/variant/v0", {"MinCapacity": 3, "MaxCapacity": 2}),
    ],
)
def test_a_variant_that_is_not_in_service_and_capacities_that_make_no_range_are_refused(
    scaling, endpoint, variant, capacity
):
    with pytest.raises(scaling.exceptions.ValidationException):
        Scaling(scaling.client, variant.format(endpoint)).register(**capacity)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"PolicyType": "StepScaling"}, "StepScaling"),
        (
            {"TargetTrackingScalingPolicyConfiguration": {"TargetValue": 1.0}},
            "without .*PredefinedMetricType",
        ),
        (
            {"TargetTrackingScalingPolicyConfiguration": TRACKING | {"TargetValue": -1.0}},
            "greater than 0",
        ),
    ],
)
def test_other_policies_are_refused(scaling, changes, problem):
    scaling.register()
    with pytest.raises(scaling.exceptions.ValidationException, match=problem):
        scaling.put_policy(**changes)


def test_a_variant_that_scales_keeps_its_instance_type(scaling, sagemaker, bicycle_model, endpoint):
    def update(kind: str) -> None:
        config = sagemaker.config(bicycle_model, kind=kind)
        sagemaker.client.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
        assert sagemaker.settled(endpoint)["EndpointConfigName"] == config

    scaling.register()
    with pytest.raises(ClientError, match="must be deregistered as scalable targets"):
        update("ml.m5.xlarge")
    update("ml.m5.large")
    scaling.deregister()
    update("ml.m5.xlarge")


def test_scaling_goes_with_its_endpoint(scaling, sagemaker, bicycle_model):
    endpoint = sagemaker.endpoint(sagemaker.config(bicycle_model))
    own = Scaling(scaling.client, f"endpoint/{endpoint}/variant/v0")
    own.register()
    sagemaker.delete(endpoint)
    assert own.targets() == []


def test_what_is_not_emulated_is_refused_by_name(scaling):
    with pytest.raises(ClientError, match=r"not emulate .*DescribeScalingActivities"):
        scaling.client.describe_scaling_activities(ServiceNamespace="sagemaker")
    with pytest.raises(ClientError, match="does not emulate ServiceNamespace ecs"):
        scaling.client.describe_scalable_targets(ServiceNamespace="ecs")
