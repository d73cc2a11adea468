"""What a design used, as amounts that have a price."""

import statistics
from dataclasses import replace

from benchmarks.workflows.designs import Run
from scripts.cost import bill
from scripts.cost.bill import RESULT_FILES, Function, Usage
from scripts.cost.run import count_transitions
from scripts.execution_graph.execution import fetch, read


def measure_usage(states, run: Run, functions: dict[str, Function]) -> Usage:
    """What the run used, its transitions counted in the histories of its executions."""
    batches = round(functions["serializeImageData"].requests)
    bulk = run.design == "classifyBulk"
    if run.design == "course":  # 2,000 histories of one shape: ten show it
        shown = run.executions[:10]
        each = [_count_transitions(states, execution) for execution in shown]
        used = statistics.mean(each) * run.images
    else:
        each = [_count_transitions(states, execution) for execution in run.executions]
        used = sum(each) + (batches if bulk else 0)
    return Usage(
        photos=run.images,
        transitions=used,
        express_requests=batches if bulk else 0,
        express_gb_seconds=_express(batches, functions) if bulk else 0,
        functions=functions,
        s3_gets=run.images + (batches + 1 + RESULT_FILES if bulk else 0),
        s3_puts=batches + RESULT_FILES if bulk else 0,
        endpoint_gb=bill.endpoint_gb(run.images),
    )


def at_rates(usage: Usage, milliseconds: dict[str, float]) -> Usage:
    """The same usage, had the functions taken so many milliseconds an image."""
    functions = {
        name: replace(f, seconds=usage.photos * milliseconds[name] / 1000)
        if name in milliseconds
        else f
        for name, f in usage.functions.items()
    }
    children = usage.express_requests
    express = _express(children, functions) if children else 0
    return replace(usage, functions=functions, express_gb_seconds=express)


def _count_transitions(states, execution: dict) -> int:
    return count_transitions(read(fetch(states, execution["executionArn"])))


def _express(children: float, functions: dict[str, Function]) -> float:
    seconds = sum(f.seconds for name, f in functions.items() if name != "countResults")
    return bill.express_gb_seconds(children, seconds)
