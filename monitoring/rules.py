"""What images are held to: config.yml's rules, and a baseline's constraints.json.

constraints.json has SageMaker Model Monitor's form
(docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-constraints.html). People may edit it:
each property's completeness and comparison threshold count, and what it does not name is not
judged.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from monitoring import drift, table

# So much less complete than the baseline may images be: a few broken ones are no change.
COMPLETENESS_SLACK = 0.05


@dataclass(frozen=True)
class Rules:
    """What config.yml says: `monitoring`, the filter's threshold, the alarm on review."""

    minimum_images: int
    level: float
    minimum_effects: Mapping[str, float]
    review_share: float
    threshold: float

    @classmethod
    def from_config(cls, config: dict) -> "Rules":
        """Read config.yml's content."""
        given = config["monitoring"]
        effects = given["minimum_effects"]
        return cls(
            minimum_images=given["minimum_images"],
            level=given["level"],
            minimum_effects={
                name: effects.get(name, effects["feature"]) for name in drift.PROPERTIES
            }
            | {"accuracy": effects["accuracy"]},
            review_share=config["alarms"]["review_share"],
            threshold=config["threshold"],
        )


@dataclass(frozen=True)
class Constraints:
    """What a baseline asks of images, by property; what is not named is not judged.

    minimum_effects: the effect that matters. completeness: the share of images of which the
    property must be known.
    """

    minimum_effects: dict[str, float]
    completeness: dict[str, float]


def make_constraints(frame: pd.DataFrame, minimum_effects: Mapping[str, float]) -> Constraints:
    """Return what images like the table's keep to.

    minimum_effects: for each property that `drift` compares, the effect that matters.
    """
    shares = {name: float(table.is_known(frame, name).mean()) for name in drift.PROPERTIES}
    required = {
        name: round(max(share - COMPLETENESS_SLACK, 0), 4)
        for name, share in shares.items()
        if share
    }
    return Constraints({name: minimum_effects[name] for name in required}, required)


def write_constraints(constraints: Constraints) -> dict:
    """Return constraints.json's content."""
    types = {"label": "String", "embedding": "Unknown"}
    return {
        "version": 0,
        "features": [
            {
                "name": name,
                "inferred_type": types.get(name, "Fractional"),
                "completeness": required,
                "monitoringConfigOverrides": {
                    "distribution_constraints": {
                        "comparison_threshold": constraints.minimum_effects[name]
                    }
                },
            }
            for name, required in constraints.completeness.items()
        ],
    }


def read_constraints(given: Any) -> Constraints:
    """Read constraints.json's content. ValueError says what is wrong with it."""
    features = given.get("features") if isinstance(given, dict) else None
    if not isinstance(features, list) or not all(isinstance(item, dict) for item in features):
        raise ValueError("it has no list of features")
    result = Constraints({}, {})
    for feature in features:
        name = feature.get("name")
        if name not in [*drift.PROPERTIES]:
            raise ValueError(f"it names {name!r}, which is none of {', '.join(drift.PROPERTIES)}")
        threshold = feature
        for member in ("monitoringConfigOverrides", "distribution_constraints"):
            threshold = threshold.get(member, {})
            if not isinstance(threshold, dict):
                raise ValueError(f"{member} of {name} is no object")
        for place, member, values in (
            (feature, "completeness", result.completeness),
            (threshold, "comparison_threshold", result.minimum_effects),
        ):
            value = place.get(member)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueError(f"{member} of {name} is {value!r}, not a number")
            if not 0 <= value < math.inf:
                raise ValueError(f"{member} of {name} is {value!r}, not 0 or more")
            values[name] = value
    return result
