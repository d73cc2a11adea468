"""constraints.json as people edit it, and config.yml's rules."""

import json

import pytest

from monitoring import drift, rules
from service import config


def test_constraints_are_read_as_they_are_and_need_not_name_all():
    effects = {"confidence": 0.02, "label": 1}
    assert rules.read_constraints(json.dumps({"minimum_effects": effects}).encode()) == effects


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("{", "Expecting property name"),
        ("[" * 100_000, "it is not JSON"),
        ("[]", "no minimum_effects"),
        ('{"features": []}', "no minimum_effects"),
        ('{"minimum_effects": ["label"]}', "no minimum_effects"),
        ('{"minimum_effects": {"hue": 1}}', "'hue', which is none of confidence, label"),
        ('{"minimum_effects": {"label": "0.1"}}', "label is '0.1', not a number"),
        ('{"minimum_effects": {"label": true}}', "label is True, not a number"),
        ('{"minimum_effects": {"label": -1}}', "label is -1, not a number of 0 or more"),
        ('{"minimum_effects": {"label": NaN}}', "label is nan, not a number of 0 or more"),
    ],
)
def test_constraints_that_cannot_be_judged_by_are_named(body, reason):
    with pytest.raises(ValueError, match=reason):
        rules.read_constraints(body.encode())


def test_config_yml_has_a_rule_for_every_property():
    effects = rules.Rules.from_config(config.load()).minimum_effects
    assert set(effects) == {*drift.PROPERTIES, "accuracy"}
    assert effects["sharpness"] == effects["brightness"]
