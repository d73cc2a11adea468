"""Files in Model Monitor's form."""

import json

import jsonschema
import numpy as np
import pytest

from monitoring import drift, model_monitor
from monitoring.findings import Violation
from tests.monitoring.simulated import frame

EFFECTS = {name: 0.1 * number for number, name in enumerate(drift.properties(), 1)}


def closed(**properties):
    """A JSON Schema of an object with exactly these members."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def array(items):
    return {"type": "array", "items": items}


NUMBER, COUNT, TEXT = {"type": "number"}, {"type": "integer", "minimum": 0}, {"type": "string"}
COMMON = closed(num_present=COUNT, num_missing=COUNT)
KLL = closed(
    buckets=array(closed(lower_bound=NUMBER, upper_bound=NUMBER, count=COUNT)),
    sketch=closed(parameters=closed(c=NUMBER, k=NUMBER), data=array(array(NUMBER))),
)
NUMERICAL = closed(
    common=COMMON,
    mean=NUMBER,
    sum=NUMBER,
    std_dev=NUMBER,
    min=NUMBER,
    max=NUMBER,
    distribution=closed(kll=KLL),
)
STRING = closed(
    common=COMMON,
    distinct_count=COUNT,
    distribution=closed(categorical=closed(buckets=array(closed(value=TEXT, count=COUNT)))),
)
STATISTICS = closed(
    version={"const": 0},
    dataset=closed(item_count=COUNT),
    features=array(
        {
            "oneOf": [
                closed(
                    name=TEXT, inferred_type={"const": "Fractional"}, numerical_statistics=NUMERICAL
                ),
                closed(name=TEXT, inferred_type={"const": "String"}, string_statistics=STRING),
            ]
        }
    ),
)


@pytest.fixture
def images():
    result = frame(100, seed=1)
    result.loc[:4, "brightness"] = np.nan
    return result


def by_name(content):
    return {feature["name"]: feature for feature in content["features"]}


def test_statistics_have_model_monitors_schema(images):
    statistics = json.loads(json.dumps(model_monitor.statistics(images), allow_nan=False))
    jsonschema.validate(statistics, STATISTICS)
    assert statistics["dataset"]["item_count"] == 100


def test_numbers_are_described_as_they_are(images):
    found = by_name(model_monitor.statistics(images))["brightness"]["numerical_statistics"]
    values = images["brightness"].dropna()
    assert found["common"] == {"num_present": 95, "num_missing": 5}
    assert found["mean"] == pytest.approx(values.mean())
    assert found["sum"] == pytest.approx(values.sum())
    assert found["std_dev"] == pytest.approx(values.std(ddof=0))
    assert (found["min"], found["max"]) == (values.min(), values.max())
    buckets = found["distribution"]["kll"]["buckets"]
    assert len(buckets) == 10
    assert sum(bucket["count"] for bucket in buckets) == 95
    assert buckets[0]["lower_bound"] == values.min()
    assert buckets[-1]["upper_bound"] == values.max()


def test_labels_are_counted(images):
    found = by_name(model_monitor.statistics(images))["label"]["string_statistics"]
    counts = images["label"].value_counts()
    assert found["distinct_count"] == 2
    assert found["distribution"]["categorical"]["buckets"] == [
        {"value": "bicycle", "count": counts["bicycle"]},
        {"value": "motorcycle", "count": counts["motorcycle"]},
    ]


@pytest.mark.parametrize("count", [3, 2048, 2049, 9999])
def test_a_sketch_weighs_as_much_as_its_values_and_has_their_quantiles(count):
    images = frame(count, seed=3, width=0)
    kll = by_name(model_monitor.statistics(images))["contrast"]["numerical_statistics"]
    levels = kll["distribution"]["kll"]["sketch"]["data"]
    weights = np.concatenate([np.full(len(level), 2**h) for h, level in enumerate(levels)])
    values = np.concatenate(levels)
    assert weights.sum() == count
    assert max(map(len, levels)) <= 2048
    order = np.argsort(values)
    middle = values[order][np.searchsorted(weights[order].cumsum(), count / 2)]
    assert abs((images["contrast"] <= middle).mean() - 0.5) <= 0.5 / count + 0.002


def test_a_property_known_of_no_image_has_no_statistics(images):
    images["colour"] = np.nan
    found = by_name(model_monitor.statistics(images))["colour"]["numerical_statistics"]
    assert found == {"common": {"num_present": 0, "num_missing": 100}}


def test_constraints_say_what_the_images_keep_to(images):
    constraints = json.loads(json.dumps(model_monitor.constraints(images, EFFECTS)))
    found = by_name(constraints)
    assert set(found) == set(drift.properties())
    assert found["label"]["string_constraints"] == {"domains": ["bicycle", "motorcycle"]}
    assert found["confidence"]["num_constraints"] == {"is_non_negative": True}
    assert model_monitor.completeness(constraints) == dict.fromkeys(found, 0.95) | {
        "brightness": 0.9
    }
    assert model_monitor.minimum_effects(constraints) == pytest.approx(EFFECTS)
    assert constraints["monitoring_config"]["evaluate_constraints"] == "Enabled"


def test_numbers_below_zero_are_no_non_negative_ones(images):
    images["sharpness"] = -images["sharpness"]
    found = by_name(model_monitor.constraints(images, EFFECTS))
    assert found["sharpness"]["num_constraints"] == {"is_non_negative": False}


def test_violations_have_model_monitors_three_members():
    found = model_monitor.violations([Violation("colour", "completeness_check", "half of it")])
    assert found == {
        "violations": [
            {
                "feature_name": "colour",
                "constraint_check_type": "completeness_check",
                "description": "half of it",
            }
        ]
    }
