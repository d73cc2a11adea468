"""constraints.json: made of a table, written, edited and read."""

import jsonschema
import numpy as np
import pytest

from monitoring import drift, rules
from service import config
from tests.monitoring.simulated import frame

EFFECTS = {name: 0.1 * number for number, name in enumerate(drift.PROPERTIES, 1)}

# docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-constraints.html, as far as it is used
FEATURE = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "inferred_type": {"enum": ["Integral", "Fractional", "String", "Unknown"]},
        "completeness": {"type": "number", "minimum": 0, "maximum": 1},
        "monitoringConfigOverrides": {"type": "object"},
    },
    "required": ["name", "inferred_type", "completeness"],
    "additionalProperties": False,
}
SCHEMA = {
    "type": "object",
    "properties": {"version": {"const": 0}, "features": {"type": "array", "items": FEATURE}},
    "required": ["version", "features"],
    "additionalProperties": False,
}


def written(images=None) -> dict:
    images = frame(100, seed=1) if images is None else images
    return rules.write_constraints(rules.make_constraints(images, EFFECTS))


def test_constraints_have_model_monitors_form_and_are_read_again():
    images = frame(100, seed=1)
    images.loc[:4, "brightness"] = np.nan
    given = written(images)
    jsonschema.validate(given, SCHEMA)
    read = rules.read_constraints(given)
    assert read.minimum_effects == EFFECTS
    assert read.completeness == dict.fromkeys(drift.PROPERTIES, 0.95) | {"brightness": 0.9}


def test_what_a_table_lacks_has_no_constraint():
    assert (
        "embedding" not in rules.make_constraints(frame(100, seed=1, width=0), EFFECTS).completeness
    )


def edited(change) -> dict:
    given = written()
    change(given["features"])
    return given


def test_what_is_not_named_is_not_asked_for():
    read = rules.read_constraints(edited(lambda features: features.pop(2)))
    assert set(read.minimum_effects) == set(drift.PROPERTIES) - {"brightness"}
    read = rules.read_constraints(edited(lambda features: features[0].pop("completeness")))
    assert set(read.minimum_effects) - set(read.completeness) == {"confidence"}
    name = "monitoringConfigOverrides"
    read = rules.read_constraints(edited(lambda features: features[0].pop(name)))
    assert set(read.completeness) - set(read.minimum_effects) == {"confidence"}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([], "no list of features"),
        ({"features": {"label": 1}}, "no list of features"),
        ({"features": ["label"]}, "no list of features"),
        (edited(lambda features: features.append({"name": "hue"})), "'hue', which is none of conf"),
        (edited(lambda features: features.append({})), "names None"),
        (edited(lambda features: features.append({"name": []})), r"names \[\]"),
        (edited(lambda features: features[0].update(completeness="1.0")), "completeness of confid"),
        (edited(lambda features: features[0].update(completeness=True)), "is True, not a number"),
        (edited(lambda features: features[0].update(completeness=-1)), "not 0 or more"),
        (
            edited(lambda features: features[0].update(monitoringConfigOverrides=[1])),
            "monitoringConfigOverrides of confidence is no object",
        ),
    ],
)
def test_constraints_that_cannot_be_judged_by_are_named(given, reason):
    with pytest.raises(ValueError, match=reason):
        rules.read_constraints(given)


def test_config_yml_has_a_rule_for_every_property():
    found = rules.Rules.from_config(config.load())
    assert set(found.minimum_effects) == {*drift.PROPERTIES, "accuracy"}
    assert found.minimum_effects["sharpness"] == found.minimum_effects["brightness"]
