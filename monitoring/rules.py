"""What config.yml asks of the images that were captured."""

from collections.abc import Mapping
from dataclasses import dataclass

from monitoring import drift


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
                name: effects.get(name, effects["feature"]) for name in drift.properties()
            }
            | {"accuracy": effects["accuracy"]},
            review_share=config["alarms"]["review_share"],
            threshold=config["threshold"],
        )
