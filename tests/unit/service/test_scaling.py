import contextlib
from types import SimpleNamespace
from unittest.mock import Mock

import click
import pytest

from service import scaling
from service.scaling import Bounds
from tests.unit.refusals import refusal

RESOURCE = "endpoint/scones-vehicles-dev/variant/AllTraffic"


class MemoryAutoscaling:
    """Application Auto Scaling in memory, of one target at most."""

    def __init__(self):
        self.target: dict | None = None
        self.policy: dict | None = None

    def register_scalable_target(self, **target):
        self.target = target

    def put_scaling_policy(self, **policy):
        assert policy["ResourceId"] == self.target["ResourceId"]
        self.policy = policy

    def describe_scaling_policies(self, ServiceNamespace, ResourceId):  # noqa: N803
        return {"ScalingPolicies": [{**self.policy, "PolicyARN": "arn"}] if self.policy else []}

    def describe_scalable_targets(self, ServiceNamespace, ResourceIds):  # noqa: N803
        found = [self.target] if self.target and self.target["ResourceId"] in ResourceIds else []
        return {"ScalableTargets": found}

    def deregister_scalable_target(self, **target):
        if not self.target:
            raise refusal("ObjectNotFoundException")
        self.target = self.policy = None
        return {}


@pytest.fixture
def autoscaling():
    return MemoryAutoscaling()


@pytest.fixture
def scaled(autoscaling):
    return scaling.Scaling(autoscaling, "scones-vehicles-dev")


def test_scaling_tracks_the_invocations_of_each_instance(scaled, autoscaling):
    assert not scaled.is_set()
    scaled.set(Bounds(1, 4), 30000)
    assert scaled.is_set()
    target, policy = autoscaling.target, autoscaling.policy
    assert target["ResourceId"] == policy["ResourceId"] == RESOURCE
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["TargetValue"] == 30000
    assert "InvocationsPerInstance" in str(tracking["PredefinedMetricSpecification"])


def test_scaling_is_away_during_a_pause_and_comes_back_as_it_was(scaled, autoscaling):
    scaled.set(Bounds(2, 5), 100)
    before = (autoscaling.target, autoscaling.policy)
    with contextlib.suppress(ZeroDivisionError), scaled.paused():
        assert not scaled.is_set()
        raise ZeroDivisionError
    assert (autoscaling.target, autoscaling.policy) == before


def test_scaling_that_cannot_come_back_is_named_with_its_bounds(scaled, autoscaling, capsys):
    scaled.set(Bounds(2, 5), 100)

    with scaled.paused():
        refused = Mock(side_effect=refusal("ValidationException"))
        autoscaling.register_scalable_target = refused
    assert "--autoscale 2-5" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "4", "0-4", "4-1", "1-", "a-b", "1-4-5", "-1-4"])
def test_bounds_are_two_numbers_in_order(text):
    assert scaling.parse_bounds("1-4") == Bounds(1, 4)
    with pytest.raises(click.BadParameter, match="1-4"):
        scaling.parse_bounds(text)


def test_an_endpoint_is_deleted_with_its_scaling(scaled, autoscaling, capsys):
    there = [True, False]
    hosting = SimpleNamespace(endpoint="scones-vehicles-dev", delete=lambda: there.pop(0))
    scaled.set(Bounds(2, 2), 100)
    scaling.delete_endpoint(hosting, scaled)
    assert (autoscaling.target, autoscaling.policy) == (None, None)
    scaling.delete_endpoint(hosting, scaled)
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["Scaling", "removed"],
        ["Endpoint", "scones-vehicles-dev", "deleted"],
        ["Endpoint", "scones-vehicles-dev", "was", "not", "there"],
    ]
