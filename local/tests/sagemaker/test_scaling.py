"""What an endpoint's scaling is to be is recorded; what would need real scaling is refused."""

import pytest
from botocore.exceptions import ClientError

KEY = {
    "ServiceNamespace": "sagemaker",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
TRACKING = {
    "TargetValue": 100.0,
    "PredefinedMetricSpecification": {
        "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
    },
}


@pytest.fixture(scope="module")
def autoscaling(session):
    return session.client("application-autoscaling")


@pytest.fixture
def resource(autoscaling, endpoint):
    """The variant of an endpoint in service; not scaled before or after."""
    resource = f"endpoint/{endpoint}/variant/v0"
    yield resource
    for target in targets(autoscaling, resource):
        autoscaling.deregister_scalable_target(**KEY, ResourceId=target["ResourceId"])


def targets(autoscaling, resource: str) -> list[dict]:
    return autoscaling.describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[resource]
    )["ScalableTargets"]


def policies(autoscaling, resource: str) -> list[dict]:
    return autoscaling.describe_scaling_policies(ServiceNamespace="sagemaker", ResourceId=resource)[
        "ScalingPolicies"
    ]


def put_policy(autoscaling, resource: str, **changes) -> dict:
    policy = {
        **KEY,
        "ResourceId": resource,
        "PolicyName": "by invocations",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": TRACKING,
    }
    return autoscaling.put_scaling_policy(**policy | changes)


def test_a_target_and_its_policy_are_kept_and_removed_together(autoscaling, sagemaker, resource):
    with pytest.raises(autoscaling.exceptions.ObjectNotFoundException):
        put_policy(autoscaling, resource)
    autoscaling.register_scalable_target(**KEY, ResourceId=resource, MinCapacity=1, MaxCapacity=3)
    autoscaling.register_scalable_target(**KEY, ResourceId=resource, MaxCapacity=4)
    (target,) = targets(autoscaling, resource)
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)

    put = put_policy(autoscaling, resource)
    (policy,) = policies(autoscaling, resource)
    assert policy["PolicyARN"] == put["PolicyARN"]
    assert policy["TargetTrackingScalingPolicyConfiguration"] == TRACKING
    assert policy["Alarms"] == []

    endpoint = resource.split("/")[1]
    (variant,) = sagemaker.client.describe_endpoint(EndpointName=endpoint)["ProductionVariants"]
    assert variant["DesiredInstanceCount"] == 1  # it does not scale

    autoscaling.deregister_scalable_target(**KEY, ResourceId=resource)
    assert targets(autoscaling, resource) == policies(autoscaling, resource) == []
    with pytest.raises(autoscaling.exceptions.ObjectNotFoundException):
        autoscaling.deregister_scalable_target(**KEY, ResourceId=resource)


RANGE = {"MinCapacity": 1, "MaxCapacity": 3}


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
    autoscaling, endpoint, variant, capacity
):
    with pytest.raises(autoscaling.exceptions.ValidationException):
        autoscaling.register_scalable_target(**KEY, ResourceId=variant.format(endpoint), **capacity)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"PolicyType": "StepScaling", "StepScalingPolicyConfiguration": {"Cooldown": 1}},
            "StepScaling",
        ),
        ({"TargetValue": 1.0}, "without .*PredefinedMetricType"),
        ({**TRACKING, "TargetValue": -1.0}, "greater than 0"),
    ],
)
def test_other_policies_are_refused(autoscaling, resource, changes, problem):
    autoscaling.register_scalable_target(**KEY, ResourceId=resource, MinCapacity=1, MaxCapacity=3)
    if "TargetValue" in changes:
        changes = {"TargetTrackingScalingPolicyConfiguration": changes}
    with pytest.raises(autoscaling.exceptions.ValidationException, match=problem):
        put_policy(autoscaling, resource, **changes)


def test_a_variant_that_scales_keeps_its_instance_type(
    autoscaling, sagemaker, bicycle_model, endpoint, resource
):
    larger = sagemaker.config(bicycle_model, kind="ml.m5.xlarge")
    same = sagemaker.config(bicycle_model)

    def update(config: str) -> None:
        sagemaker.client.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
        assert sagemaker.settled(endpoint)["EndpointConfigName"] == config

    autoscaling.register_scalable_target(**KEY, ResourceId=resource, MinCapacity=1, MaxCapacity=3)
    with pytest.raises(ClientError, match="must be deregistered as scalable targets"):
        update(larger)
    update(same)
    autoscaling.deregister_scalable_target(**KEY, ResourceId=resource)
    update(larger)


def test_scaling_goes_with_its_endpoint(autoscaling, sagemaker, bicycle_model):
    endpoint = sagemaker.endpoint(sagemaker.config(bicycle_model))
    resource = f"endpoint/{endpoint}/variant/v0"
    autoscaling.register_scalable_target(**KEY, ResourceId=resource, MinCapacity=1, MaxCapacity=3)
    sagemaker.delete(endpoint)
    assert targets(autoscaling, resource) == []


def test_what_is_not_emulated_is_refused_by_name(autoscaling, resource):
    with pytest.raises(ClientError, match=r"not emulate .*DescribeScalingActivities"):
        autoscaling.describe_scaling_activities(ServiceNamespace="sagemaker")
    with pytest.raises(ClientError, match="does not emulate ServiceNamespace ecs"):
        autoscaling.describe_scalable_targets(ServiceNamespace="ecs")
