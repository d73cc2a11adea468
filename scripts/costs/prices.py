"""prices.yml: what AWS charges for each unit of what a run uses."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

from scripts.cli import UserError

FILE = Path(__file__).with_name("prices.yml")


class Prices(NamedTuple):
    """List prices of one region on one date."""

    region: str
    date: str
    prices: dict[str, dict]
    hourly: dict[str, float]

    def dollars(self, name: str, amount: float) -> float:
        """Return what that amount costs, as the first of a month where prices have tiers."""
        price = self.prices[name]
        if "tiers" not in price:
            return amount / price["per"] * price["dollars"]
        total = below = 0
        for tier in price["tiers"]:
            upper = min(amount, tier.get("up_to", amount))
            total += max(upper - below, 0) / price["per"] * tier["dollars"]
            below = upper
        return total

    def hour(self, instance_type: str) -> float:
        """Return the price of an instance's hour. Raises UserError for a type without one."""
        if instance_type not in self.hourly:
            raise UserError(
                f"There is no price of {instance_type}. Add it to scripts/costs/prices.yml."
            )
        return self.hourly[instance_type]


@cache
def load() -> Prices:
    """Return the prices in prices.yml."""
    content = yaml.safe_load(FILE.read_text())
    return Prices(
        region=content["region"],
        date=str(content["date"]),
        prices=content["prices"],
        hourly=content["instances"]["hourly"],
    )
