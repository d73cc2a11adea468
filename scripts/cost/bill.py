"""The bill of photos: the amounts that AWS counts, times the list prices of prices.yml."""

import math
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml
from rich.table import Table

from service import config, terminal
from service.terminal import UserError

FILE = Path(__file__).with_name("prices.yml")
LEFT_OUT = "storage, Data Capture's files, traces, messages, starting environments"

# The pricing page's examples count a workflow's start and its end beside the states between them.
# https://aws.amazon.com/step-functions/pricing/
ENDS = 2

# A function's invocation as JSON in CloudWatch Logs: the service's own line, Lambda's
# platform.start and platform.report, and the 26 bytes that ingestion adds to each.
LOG_BYTES = 1_300

# An Express execution uses 50 MB, its definition, and its data once for each state that has it; it
# is billed in steps of 64 MB and 100 ms. The definition and four times 256 KiB stay below 14 MB.
EXPRESS_GB = 64 / 1024
EXPRESS_STEP_SECONDS = 0.1

# The model's answer about a photo: some 20 characters for each of two classes.
ANSWER_BYTES = 40

RESULT_FILES = 2  # of a run of classifyBulk: its results, and the manifest of ResultWriter


@dataclass(frozen=True)
class Function:
    """A function's invocations (`requests`) and the seconds that they took together."""

    requests: float
    seconds: float
    memory_mb: int
    architecture: str

    @property
    def gb_seconds(self) -> float:
        """Billed GB-seconds: rounding up to a millisecond adds half of one on average."""
        return (self.seconds + 0.0005 * self.requests) * self.memory_mb / 1024


@dataclass(frozen=True)
class Usage:
    """The amounts that photos use. They are whole in a run and may be fractions in a plan."""

    photos: int
    transitions: float = 0
    express_requests: float = 0
    express_gb_seconds: float = 0
    functions: dict[str, Function] = field(default_factory=dict)
    s3_gets: float = 0
    s3_puts: float = 0
    endpoint_gb: float = 0


def express_gb_seconds(children: float, function_seconds: float) -> float:
    """Return billed GB-seconds of Express executions, from their functions' seconds together.

    No history holds a child's duration: its functions', rounded up to a step, and a step between.
    """
    if not children:
        return 0
    steps = math.ceil(function_seconds / children / EXPRESS_STEP_SECONDS) + 1
    return children * steps * EXPRESS_STEP_SECONDS * EXPRESS_GB


def endpoint_gb(photos: float) -> float:
    """Return GB (10^9 bytes) into and out of the endpoint: three bytes a pixel, and the answer."""
    size = config.load()["image"]["size"]
    return photos * (3 * size * size + ANSWER_BYTES) / 1e9


def bulk_usage(
    photos: int, batches: int, transitions: float, functions: dict[str, Function]
) -> Usage:
    """Return the usage of a run of `classifyBulk`.

    Each batch's array is written and read, and so are the results; the manifest is read.
    """
    seconds = sum(each.seconds for name, each in functions.items() if name != "countResults")
    return Usage(
        photos=photos,
        transitions=transitions,
        express_requests=batches,
        express_gb_seconds=express_gb_seconds(batches, seconds),
        functions=functions,
        s3_gets=photos + batches + 1 + RESULT_FILES,
        s3_puts=batches + RESULT_FILES,
        endpoint_gb=endpoint_gb(photos),
    )


@dataclass(frozen=True)
class Prices:
    """List prices of a region on a date; `hourly` are those of instance types."""

    region: str
    date: str
    prices: dict[str, dict]
    hourly: dict[str, float]

    def dollars(self, name: str, amount: float) -> float:
        """Return the price of an amount."""
        return amount / self.prices[name]["per"] * self.prices[name]["dollars"]

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
    return Prices(**content | {"date": str(content["date"])})


class Line(NamedTuple):
    """An item of a bill."""

    item: str
    amount: float
    unit: str
    dollars: float


@dataclass(frozen=True)
class Bill:
    """What photos cost by use. The endpoint's time is no part of it: it costs as much when idle."""

    photos: int
    lines: tuple[Line, ...]

    @property
    def total(self) -> float:
        """Dollars for all photos."""
        return sum(line.dollars for line in self.lines)

    def to_table(self) -> Table:
        """Return the bill as a table: the largest line first, then the sum."""

        def row(item: str, amount: str, unit: str, dollars: float, share: str = "") -> tuple:
            a_photo = format_dollars(dollars / self.photos, self.total / self.photos)
            return item, amount, unit, format_dollars(dollars, self.total), a_photo, share

        rows = [
            row(item, format_amount(amount), unit, dollars, f"{dollars / self.total:.0%}")
            for item, amount, unit, dollars in sorted(self.lines, key=lambda line: -line.dollars)
        ]
        foot = [row("together", "", "", self.total)]
        header = ("item", "amount", "", "$", "$ a photo", "share")
        return terminal.table(header, rows, right=(1, 3, 4, 5), foot=foot)


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
        ("CloudWatch Logs", "log_gb", requests * LOG_BYTES / 1e9, "GB"),
        ("Endpoint, data", "endpoint_gb", usage.endpoint_gb, "GB"),
    ]
    lines = tuple(
        Line(item, amount, unit, prices.dollars(price, amount))
        for item, price, amount, unit in amounts
        if amount
    )
    return Bill(usage.photos, lines)


def print_terms() -> None:
    """Print what a bill does not hold, and whose prices it has."""
    prices, endpoint = load_prices(), config.load()["endpoint"]
    hourly = endpoint["instance_count"] * prices.hour(endpoint["instance_type"])
    terminal.print_line("Endpoint", f"${hourly:.3f} an hour more, whether photos come or not")
    terminal.print_line("Left out", LEFT_OUT)
    terminal.print_line("Prices", prices)


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
