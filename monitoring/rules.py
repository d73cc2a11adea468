"""What photos are held to: config.yml's rules, and a baseline's constraints.json.

constraints.json holds the effect that matters of each property: `{"minimum_effects": {"confidence":
0.02, ...}}`. People may edit it: what it does not name is not judged.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from monitoring import drift


@dataclass(frozen=True)
class Rules:
    """What config.yml says: `monitoring`, the filter's threshold, the alarm on review."""

    minimum_images: int
    level: float
    minimum_effects: Mapping[str, float]  # by property, and of accuracy
    review_share: float
    threshold: float

    @classmethod
    def from_config(cls, config: dict) -> "Rules":
        """Read config.yml's content."""
        section = config["monitoring"]
        effects = section["minimum_effects"]
        names = (*drift.PROPERTIES, "accuracy")
        return cls(
            minimum_images=section["minimum_images"],
            level=section["level"],
            minimum_effects={name: effects.get(name, effects["feature"]) for name in names},
            review_share=config["alarms"]["review_share"],
            threshold=config["threshold"],
        )


def read_constraints(body: bytes) -> dict[str, float]:
    """Return constraints.json's minimum effects. ValueError says what is wrong with it."""
    try:
        content = json.loads(body)
    except RecursionError:
        raise ValueError("it is not JSON") from None
    effects = content.get("minimum_effects") if isinstance(content, dict) else None
    if not isinstance(effects, dict):
        raise ValueError("it has no minimum_effects by property")
    for name, effect in effects.items():
        if name not in drift.PROPERTIES:
            raise ValueError(f"it names {name!r}, which is none of {', '.join(drift.PROPERTIES)}")
        if type(effect) not in (int, float) or not 0 <= effect < math.inf:
            raise ValueError(f"{name} is {effect!r}, not a number of 0 or more")
    return effects
