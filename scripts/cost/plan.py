"""The cost of any number of photos with `classify` and `classifyBulk`, by measured rates."""

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml

from handlers.outcomes import ACCEPTED, FAILED, REVIEW
from scripts.cost import bill
from scripts.cost.bill import ENDS, Function, Usage, format_dollars
from service import config, terminal

RATES = Path(__file__).with_name("rates.yml")
ARCHITECTURE = "arm64"  # serverless.yml's, unless a deployment asks for another
CLASSIFY_BATCH = 500  # statemachine/batch.schema.json takes no more
GLANCE = (1_000, 1_000_000)

# classify: CheckBatch, IsBatchValid, ClassifyImages, HowManyFailed, and the one that it ends with.
CLASSIFY_STATES = 5
# States of ClassifyImages that a photo enters: one that cannot be read leaves at once.
PHOTO_STATES = {ACCEPTED: 3, REVIEW: 4, FAILED: 2}

# classifyBulk: CheckRun, IsRunValid, ClassifyBatches, CountResults, HowManyFailed, and the last.
BULK_STATES = 6


def count_classify_transitions(statuses: Mapping[str, int], batches: int = 1) -> int:
    """Return the transitions of `classify`, an execution a batch. statuses: {status: photos}."""
    photos = sum(count * PHOTO_STATES[status] for status, count in statuses.items())
    return batches * (CLASSIFY_STATES + ENDS) + photos


def count_bulk_transitions(batches: int) -> int:
    """Return the transitions of a run of `classifyBulk`, however its photos end.

    A Distributed Map costs a transition for each child that it starts; the states of an Express
    child cost none. https://docs.aws.amazon.com/step-functions/latest/dg/concepts-statemachines.html
    """
    return BULK_STATES + ENDS + batches


@cache
def read_rates() -> dict:
    """Return rates.yml: measured times."""
    return yaml.safe_load(RATES.read_text())


def plan_classify(photos: int) -> Usage:
    """Return the usage of `classify` in the largest batches; what is not accepted is reviewed."""
    accepted = round(photos * read_rates()["accepted_share"])
    statuses = {ACCEPTED: accepted, REVIEW: photos - accepted}
    return Usage(
        photos=photos,
        transitions=count_classify_transitions(statuses, math.ceil(photos / CLASSIFY_BATCH)),
        functions=_plan_functions("classify", photos, photos),
        s3_gets=photos,
        endpoint_gb=bill.endpoint_gb(photos),
    )


def plan_bulk(photos: int) -> Usage:
    """Return the usage of one run of `classifyBulk`."""
    batches = math.ceil(photos / config.load()["bulk"]["batch_size"])
    functions = _plan_functions("classifyBulk", photos, batches)
    return bill.bulk_usage(photos, batches, count_bulk_transitions(batches), functions)


def show(photos: int) -> None:
    """Print the cost of photos: at a glance, line by line, and by which prices and rates."""
    prices, rates = bill.load_prices(), read_rates()
    designs = {"classify": plan_classify, "classifyBulk": plan_bulk}
    glance = []
    for count in sorted({*GLANCE, photos}):
        bills = [bill.make_bill(plan(count), prices) for plan in designs.values()]
        glance.append((f"{count:,}", *(f"${format_dollars(each.total)}" for each in bills)))
    terminal.show(terminal.table(("photos, by use", *designs), glance, right=(0, 1, 2)))
    for name, plan in designs.items():
        print(f"\n{name}, {photos:,} photos")
        terminal.show(bill.make_bill(plan(photos), prices).to_table())
    print()
    bill.print_terms()
    terminal.print_line("Rates", f"{rates['command']} on {rates['machine']}, {rates['date']}")


def _plan_functions(design: str, photos: int, invocations: int) -> dict[str, Function]:
    deployed = config.load_service()["functions"]
    return {
        name: Function(
            invocations, photos * milliseconds / 1000, deployed[name]["memorySize"], ARCHITECTURE
        )
        for name, milliseconds in read_rates()["milliseconds_a_photo"][design].items()
    }
