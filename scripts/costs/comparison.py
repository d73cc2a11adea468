"""Four designs side by side, per million images."""

from collections.abc import Callable

from scripts import table
from scripts.costs import bill, designs, prices
from scripts.costs.bill import Bill, bar

CHART_WIDTH = 60
GROUPS = (
    ("Step Functions, transitions", "Step Functions, Standard"),
    ("Step Functions, Express", "Step Functions, Express"),
    ("Lambda", "Lambda"),
    ("S3", "S3"),
    ("CloudWatch Logs", "CloudWatch Logs"),
    ("Endpoint, data", "Endpoint, data"),
    ("Batch Transform, instance", "Batch Transform"),
)


def render(images: int, batch_size: int, architecture: str) -> str:
    """Return the comparison for that many images as a table, with what it rests on below."""
    list_prices, rates = prices.load(), designs.rates()
    plans = designs.plans(images, batch_size, architecture)
    bills = [bill.of(plan.usage, list_prices) for plan in plans]

    def row(name: str, cell: Callable[[Bill], str]) -> tuple[str, ...]:
        return (name, *map(cell, bills))

    rows = [
        row(name, lambda each, prefix=prefix: _cell(each, _group(each, prefix)))
        for name, prefix in GROUPS
    ]
    foot = [
        row("by use", lambda each: _money(each.per_million(each.per_use))),
        row("times the floor", lambda each: f"{each.times_the_floor:,.1f}"),
        row("with the endpoint's time", lambda each: _money(each.per_million(each.total))),
        ("transitions an image", *(_transitions(plan) for plan in plans)),
        ("time", *(_duration(plan.seconds) for plan in plans)),
        ("", *(plan.remark for plan in plans)),
    ]
    header = ("$ per million images", *(plan.name for plan in plans))
    floor = _money(bills[0].per_million(bills[0].floor))
    measured = rates["designs"]["classifyBulk"]["batch_size"]
    notes = [
        f"{images:,} images, functions on {architecture}. The floor is an S3 GET each: ${floor}.",
        f"Prices of {list_prices.region}, {list_prices.date}, free tiers not taken off.",
        f"Rates of {rates['date']}: {rates['command']} on {rates['machine']}.",
        "Left out: storage, Data Capture's files, traces, messages, starting environments.",
    ]
    if batch_size != measured:
        notes.append(f"classifyBulk's functions were measured in batches of {measured}.")
    rendered = table.render(header, rows, right=range(1, len(header)), foot=foot)
    return "\n".join([rendered, "", *_chart(plans, bills), "", *notes])


def _chart(plans: list[designs.Plan], bills: list[Bill]) -> list[str]:
    """A bar for each design's dollars by use, and the floor's."""
    bars = [
        (plan.name, each.per_million(each.per_use)) for plan, each in zip(plans, bills, strict=True)
    ]
    bars.append(("the floor", bills[0].per_million(bills[0].floor)))
    most = max(dollars for _, dollars in bars)
    return [
        f"{name:<16}{_money(dollars):>7}  {bar(dollars / most, CHART_WIDTH) or '▏'}"
        for name, dollars in bars
    ]


def _group(each: Bill, prefix: str) -> float:
    return sum(line.dollars for line in each.lines if line.item.startswith(prefix))


def _cell(each: Bill, dollars: float) -> str:
    return _money(each.per_million(dollars)) if dollars else "·"


def _money(dollars: float) -> str:
    return f"{dollars:,.2f}" if dollars >= 0.005 else "<0.01"


def _transitions(plan: designs.Plan) -> str:
    return f"{plan.usage.transitions / plan.usage.images:.3g}"


def _duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:,.1f} seconds"
