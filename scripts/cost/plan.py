"""Four designs side by side: what each would use from measured rates, and its bill per million."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from handlers.outcomes import ACCEPTED, FAILED, REVIEW
from scripts.cost import amounts, bill
from scripts.cost.amounts import ENDS, Function, Instances, Usage
from scripts.cost.bill import Bill, bar
from service import config, terminal

COURSE_STATES = 3  # the three tasks of the original course, one execution an image

# classify: CheckBatch, IsBatchValid, ClassifyImages, HowManyFailed, and the one that it ends with.
CLASSIFY_STATES = 5
# What an image enters of ClassifyImages by how it ends: a photo that cannot be read leaves at once.
IMAGE_STATES = {ACCEPTED: 3, REVIEW: 4, FAILED: 2}

# classifyBulk: CheckRun, IsRunValid, ClassifyBatches, CountResults, HowManyFailed, and the last.
BULK_STATES = 6

RATES = Path(__file__).with_name("rates.yml")
CLASSIFY_BATCH = 500  # statemachine/batch.schema.json takes no more
TRANSFORM_STARTUP_SECONDS = 300  # a machine, its image and the model: some minutes
TRANSFORM_TYPE = "ml.m5.large"  # two cores like ml.c5.large, which Batch Transform does not offer
RESULT_FILES = 2  # of a run of classifyBulk: those that succeeded, and the writer's manifest

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


def transitions_of_course(images: int) -> int:
    """Return the transitions of one execution for each image."""
    return images * (COURSE_STATES + ENDS)


def transitions_of_classify(ended: Mapping[str, int], batches: int = 1) -> int:
    """Return the transitions of so many executions of `classify` and all their images.

    ended: {status: images}. A Map's iterations run within the execution: they cost the states
    that they enter.
    """
    images = sum(count * IMAGE_STATES[status] for status, count in ended.items())
    return batches * (CLASSIFY_STATES + ENDS) + images


def transitions_of_classify_bulk(batches: int) -> int:
    """Return the transitions of a run of `classifyBulk`, whatever becomes of its images.

    A Distributed Map costs a transition for each child that it starts; the states of an Express
    child cost none. https://docs.aws.amazon.com/step-functions/latest/dg/concepts-statemachines.html
    """
    return BULK_STATES + ENDS + batches


@dataclass(frozen=True)
class Plan:
    """A design, what it would use, how long it would take, and what it does about the images."""

    name: str
    usage: Usage
    seconds: float
    remark: str


@cache
def read_rates() -> dict:
    """Return rates.yml: seconds and throughput as they were measured."""
    return yaml.safe_load(RATES.read_text())


@cache
def memory_sizes() -> dict[str, int]:
    """Return the functions' memory in MB, as serverless.yml gives it."""
    service = yaml.safe_load((config.ROOT / "serverless.yml").read_text())
    return {name: function["memorySize"] for name, function in service["functions"].items()}


def make_plans(images: int, batch_size: int, architecture: str) -> list[Plan]:
    """Return the four designs for that many images."""
    return [
        course(images, architecture),
        classify(images, architecture),
        classify_bulk(images, batch_size, architecture),
        batch_transform(images),
    ]


def course(images: int, architecture: str) -> Plan:
    """The original course's: three tasks in a row, an execution for each image."""
    usage = Usage(
        images=images,
        transitions=transitions_of_course(images),
        functions=_functions("course", images, images, architecture),
        s3_gets=images,
        endpoint_gb=_endpoint_gb(images),
        instances=_endpoint("course", images),
    )
    return Plan("course", usage, usage.instances.seconds, "an execution an image")


def classify(images: int, architecture: str) -> Plan:
    """`classify` in the largest batches that it takes; what is not accepted goes to review."""
    accepted = round(images * read_rates()["accepted_share"])
    batches = math.ceil(images / CLASSIFY_BATCH)
    usage = Usage(
        images=images,
        transitions=transitions_of_classify(
            {ACCEPTED: accepted, REVIEW: images - accepted}, batches
        ),
        functions=_functions("classify", images, images, architecture),
        s3_gets=images,
        endpoint_gb=_endpoint_gb(images),
        instances=_endpoint("classify", images),
    )
    return Plan("classify", usage, usage.instances.seconds, f"batches of {CLASSIFY_BATCH}")


def classify_bulk(images: int, batch_size: int, architecture: str) -> Plan:
    """`classifyBulk`: one run, batches of that size."""
    batches = math.ceil(images / batch_size)
    functions = _functions("classifyBulk", images, batches, architecture)
    seconds = sum(function.seconds for function in functions.values())
    usage = Usage(
        images=images,
        transitions=transitions_of_classify_bulk(batches),
        express_requests=batches,
        express_gb_seconds=amounts.express_gb_seconds(batches, seconds),
        functions=functions,
        s3_gets=images + batches + 1 + RESULT_FILES,
        s3_puts=batches + RESULT_FILES,
        endpoint_gb=_endpoint_gb(images),
        instances=_endpoint("classifyBulk", images),
    )
    return Plan("classifyBulk", usage, usage.instances.seconds, f"batches of {batch_size}")


def batch_transform(images: int) -> Plan:
    """SageMaker Batch Transform: a request to the model and a file of results for each photo.

    It has no filter and tells nobody; photos must have the model's size already.
    https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html
    """
    seconds = TRANSFORM_STARTUP_SECONDS + images / read_rates()["transform_images_per_second"]
    usage = Usage(
        images=images,
        s3_gets=images,
        s3_puts=images,
        instances=Instances(TRANSFORM_TYPE, 1, seconds, stand=False),
    )
    return Plan("Batch Transform", usage, seconds, "no filter, tells nobody")


def _functions(
    design: str, images: int, invocations: int, architecture: str
) -> dict[str, Function]:
    milliseconds = read_rates()["designs"][design]["lambda_ms_per_image"]
    return {
        name: Function(
            requests=invocations,
            seconds=images * each / 1000,
            memory_mb=memory_sizes()[name],
            architecture=architecture,
        )
        for name, each in milliseconds.items()
    }


def _endpoint_gb(images: int) -> float:
    return amounts.endpoint_gb(images, config.load()["image"]["size"])


def _endpoint(design: str, images: int) -> Instances:
    endpoint = config.load()["endpoint"]
    seconds = images / read_rates()["designs"][design]["images_per_second"]
    return Instances(endpoint["instance_type"], endpoint["instance_count"], seconds, stand=True)


def compare(images: int, batch_size: int, architecture: str) -> str:
    """Return the comparison for that many images as a table, with what it rests on below."""
    list_prices, rates = bill.load_prices(), read_rates()
    plans = make_plans(images, batch_size, architecture)
    bills = [bill.make_bill(plan.usage, list_prices) for plan in plans]

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
    rendered = terminal.render_table(header, rows, right=range(1, len(header)), foot=foot)
    return "\n".join([rendered, "", *_chart(plans, bills), "", *notes])


def _chart(plans: list[Plan], bills: list[Bill]) -> list[str]:
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


def _transitions(plan: Plan) -> str:
    return f"{plan.usage.transitions / plan.usage.images:.3g}"


def _duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:,.1f} seconds"
