"""The bill: usage times the prices of prices.yml, in dollars and per photo."""

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml
from rich.table import Table

from scripts.cost.amounts import Usage
from service import terminal
from service.terminal import UserError

FILE = Path(__file__).with_name("prices.yml")
LEFT_OUT = "storage, Data Capture's files, traces, messages, starting environments"


@dataclass(frozen=True)
class Prices:
    """List prices of a region on a date; `hourly` are those of instance types."""

    region: str
    date: str
    prices: dict[str, dict]
    hourly: dict[str, float]

    def dollars(self, name: str, amount: float) -> float:
        """Return the price of an amount, the first of its month where the price has tiers."""
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
                f"There is no price of {instance_type}. Add it to scripts/cost/prices.yml."
            )
        return self.hourly[instance_type]

    def __str__(self) -> str:
        return f"{self.region}, {self.date}, free tiers not taken off"


@cache
def load_prices() -> Prices:
    """Return the prices in prices.yml."""
    content = yaml.safe_load(FILE.read_text())
    hourly = content["instances"]["hourly"]
    return Prices(content["region"], str(content["date"]), content["prices"], hourly)


class Line(NamedTuple):
    """An item of a bill."""

    item: str
    amount: float
    unit: str
    dollars: float


@dataclass(frozen=True)
class Bill:
    """The photos' cost by use, and the cost of the endpoint's time, which is there anyway."""

    photos: int
    lines: tuple[Line, ...]
    endpoint: Line | None

    @property
    def by_use(self) -> float:
        """Dollars without the endpoint's time."""
        return sum(line.dollars for line in self.lines)

    @property
    def total(self) -> float:
        """Dollars with the endpoint's time."""
        return self.by_use + (self.endpoint.dollars if self.endpoint else 0)

    def to_table(self) -> Table:
        """Return the bill as a table: the largest line first, then the sums."""

        def row(item: str, amount: str, unit: str, dollars: float, share: str = "") -> tuple:
            a_photo = format_dollars(dollars / self.photos, self.total / self.photos)
            return item, amount, unit, format_dollars(dollars, self.total), a_photo, share

        rows = [
            row(item, format_amount(amount), unit, dollars, f"{dollars / self.by_use:.0%}")
            for item, amount, unit, dollars in sorted(self.lines, key=lambda line: -line.dollars)
        ]
        foot = [row("by use", "", "", self.by_use)]
        if self.endpoint:
            item, amount, unit, dollars = self.endpoint
            foot.append(row(item, format_amount(amount), unit, dollars))
            foot.append(row("with the endpoint", "", "", self.total))
        header = ("item", "amount", "", "$", "$ a photo", "of the use")
        return terminal.table(header, rows, right=(1, 3, 4), foot=foot)


def make_bill(usage: Usage, prices: Prices) -> Bill:
    """Return the usage's bill. An item that was not used has no line."""
    requests = sum(function.requests for function in usage.functions.values())
    express = "Step Functions, Express"
    amounts = [
        ("Step Functions, Standard", "step_functions_transition", usage.transitions, "transitions"),
        (express, "express_request", usage.express_requests, "requests"),
        (express, "express_gb_second", usage.express_gb_seconds, "GB-s"),
        ("Lambda", "lambda_request", requests, "requests"),
        *(
            (f"Lambda {name}", f"lambda_gb_second_{each.architecture}", each.gb_seconds, "GB-s")
            for name, each in usage.functions.items()
        ),
        ("S3", "s3_get", usage.s3_gets, "GETs"),
        ("S3", "s3_put", usage.s3_puts, "PUTs"),
        ("CloudWatch Logs", "log_gb", usage.log_gb, "GB"),
        ("Endpoint, data", "endpoint_gb", usage.endpoint_gb, "GB"),
    ]
    lines = tuple(
        Line(item, amount, unit, prices.dollars(price, amount))
        for item, price, amount, unit in amounts
        if amount
    )
    endpoint = None
    if instances := usage.endpoint:
        hours = instances.count * instances.seconds / 3600
        item = f"Endpoint, {instances.count} x {instances.type}"
        endpoint = Line(item, hours, "hours", hours * prices.hour(instances.type))
    return Bill(usage.photos, lines, endpoint)


def format_dollars(dollars: float, largest: float | None = None) -> str:
    """Return dollars with the decimals that show four digits of the largest; at least two."""
    largest = dollars if largest is None else largest
    decimals = max(2, 3 - math.floor(math.log10(largest))) if largest else 2
    return f"{dollars:,.{decimals}f}"


def format_amount(amount: float) -> str:
    """Return an amount, with decimals only where it is small."""
    if amount >= 100 or amount == round(amount):
        return f"{amount:,.0f}"
    return f"{amount:.{max(2, 1 - math.floor(math.log10(amount)))}f}"
