"""Usage times price: prices.yml, and the bill in dollars and per million images."""

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

from scripts.cost.amounts import Usage
from service import terminal
from service.terminal import UserError

FILE = Path(__file__).with_name("prices.yml")

BAR_WIDTH = 10
EIGHTHS = " ▏▎▍▌▋▊▉"


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
                f"There is no price of {instance_type}. Add it to scripts/cost/prices.yml."
            )
        return self.hourly[instance_type]


@cache
def load_prices() -> Prices:
    """Return the prices in prices.yml."""
    content = yaml.safe_load(FILE.read_text())
    return Prices(
        region=content["region"],
        date=str(content["date"]),
        prices=content["prices"],
        hourly=content["instances"]["hourly"],
    )


@dataclass(frozen=True)
class Line:
    """One thing that is paid for."""

    item: str
    amount: float
    unit: str
    dollars: float


@dataclass(frozen=True)
class Bill:
    """What the images cost by use, and what an endpoint cost meanwhile, which stands anyway."""

    images: int
    lines: tuple[Line, ...]
    endpoint: Line | None
    floor: float

    @property
    def per_use(self) -> float:
        """Dollars without the endpoint's time."""
        return sum(line.dollars for line in self.lines)

    @property
    def total(self) -> float:
        """Dollars with the endpoint's time."""
        return self.per_use + (self.endpoint.dollars if self.endpoint else 0)

    @property
    def times_the_floor(self) -> float:
        """How many times the price of one S3 GET an image the per-use part is."""
        return self.per_use / self.floor

    def share(self, line: Line) -> float:
        """Return the line's share of the per-use part."""
        return line.dollars / self.per_use if self.per_use else 0

    def per_million(self, dollars: float) -> float:
        """Return dollars of this bill as dollars per million images."""
        return dollars / self.images * 1_000_000

    def render(self) -> str:
        """Return the bill as a table: the largest line first, then the sums."""
        decimals = decimals_for(self.total)

        def row(name: str, amount: str, unit: str, dollars: float, note: str) -> tuple[str, ...]:
            per_million = f"{self.per_million(dollars):,.3f}"
            return (name, amount, unit, f"{dollars:,.{decimals}f}", per_million, note)

        def line_row(line: Line, note: str) -> tuple[str, ...]:
            return row(line.item, quantity(line.amount), line.unit, line.dollars, note)

        rows = [
            line_row(line, f"{self.share(line):4.0%}  {bar(self.share(line))}")
            for line in sorted(self.lines, key=lambda line: -line.dollars)
        ]
        times = f"{self.times_the_floor:.1f} times the floor"
        foot = [
            row("by use", "", "", self.per_use, times),
            row("the floor: an S3 GET an image", "", "", self.floor, ""),
        ]
        if self.endpoint:
            foot.append(line_row(self.endpoint, "for as long as it exists"))
            foot.append(row("with the endpoint", "", "", self.total, ""))
        header = ("item", "amount", "", "$", "$ per million", "share")
        return terminal.render_table(header, rows, right=(1, 3, 4), foot=foot)


def make_bill(usage: Usage, prices: Prices) -> Bill:
    """Return what the usage costs. Things of which nothing was used have no line."""
    lines = [
        _line(
            prices,
            "Step Functions, Standard",
            "step_functions_transition",
            usage.transitions,
            "transitions",
        ),
        _line(
            prices, "Step Functions, Express", "express_request", usage.express_requests, "requests"
        ),
        _line(
            prices, "Step Functions, Express", "express_gb_second", usage.express_gb_seconds, "GB-s"
        ),
    ]
    requests = sum(function.requests for function in usage.functions.values())
    lines.append(_line(prices, "Lambda", "lambda_request", requests, "requests"))
    for name, function in usage.functions.items():
        price = f"lambda_gb_second_{function.architecture}"
        lines.append(_line(prices, f"Lambda {name}", price, function.gb_seconds, "GB-s"))
    lines += [
        _line(prices, "S3", "s3_get", usage.s3_gets, "GETs"),
        _line(prices, "S3", "s3_put", usage.s3_puts, "PUTs"),
        _line(prices, "CloudWatch Logs", "log_gb", usage.log_gb, "GB"),
        _line(prices, "Endpoint, data", "endpoint_gb", usage.endpoint_gb, "GB"),
    ]
    endpoint = None
    if usage.instances:
        hours = usage.instances.count * usage.instances.seconds / 3600
        dollars = hours * prices.hour(usage.instances.type)
        kind = "Endpoint" if usage.instances.stand else "Batch Transform"
        line = Line(
            f"{kind}, {usage.instances.count} x {usage.instances.type}", hours, "hours", dollars
        )
        if usage.instances.stand:
            endpoint = line
        else:
            lines.append(line)
    return Bill(
        images=usage.images,
        lines=tuple(line for line in lines if line.amount),
        endpoint=endpoint,
        floor=prices.dollars("s3_get", usage.images),
    )


def _line(prices: Prices, item: str, price: str, amount: float, unit: str) -> Line:
    return Line(item, amount, unit, prices.dollars(price, amount))


def decimals_for(dollars: float) -> int:
    """Return how many decimals show four digits of the amount; at least two."""
    return max(2, 3 - math.floor(math.log10(dollars))) if dollars else 2


def quantity(amount: float) -> str:
    """Return an amount, with decimals only where it is small."""
    if amount >= 100 or amount == round(amount):
        return f"{amount:,.0f}"
    return f"{amount:,.2f}" if amount >= 0.1 else f"{amount:.2g}"


def bar(share: float, width: int = BAR_WIDTH) -> str:
    """Return the share of 1 as a bar of up to `width` characters."""
    eighths = round(share * width * 8)
    return ("█" * (eighths // 8) + EIGHTHS[eighths % 8]).rstrip()
