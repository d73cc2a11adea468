"""The usage of an execution: its transitions, its calls of functions and their times."""

import math
from datetime import UTC, datetime, timedelta

from scripts.cost import bill
from scripts.cost.bill import ENDS, Function, Usage
from scripts.execution_graph.execution import Summary, load, read
from service import terminal
from service.stack import Cloud
from service.terminal import UserError

# States of both machines, each named for the function that it calls.
PHOTO_TASKS = ("SerializeImageData", "ClassifyImage", "FilterLowConfidence")
MOST_PERIODS = 1439  # GetMetricStatistics gives 1,440 points: one is for a period cut at both ends
# How long CloudWatch keeps points of so many seconds; hours it keeps for 455 days.
KEPT = ((timedelta(days=15), 60), (timedelta(days=63), 300))
HOUR = 3600


def count_transitions(history: Summary) -> int:
    """Return an execution's transitions, retries too, without a Distributed Map's children's."""
    return ENDS + sum(counts.entered + counts.retried for counts in history.states.values())


def measure(cloud: Cloud, execution: dict) -> Usage:
    """Return the usage of an execution, which is DescribeExecution's answer.

    Its history and its Map Run count transitions and calls; retries within a batch of
    `classifyBulk` leave no trace. Raises UserError for an execution that still runs, that came to
    no photo, or that belongs to another state machine.
    """
    name, found = execution["name"], load(cloud, execution)
    service, _, machine = found.machine.rpartition("-")
    if machine not in ("classify", "classifyBulk"):
        raise UserError(f"{name} is no execution of classify or classifyBulk.")
    history, bulk = read(found.events), machine == "classifyBulk"
    tasks = {state: counts.attempts for state, counts in history.states.items()}
    photos, children = history.items.total(), 0
    if found.map_run:
        kinds = [found.map_run[f"{kind}Counts"] for kind in ("item", "execution")]
        photos, children = (counts["total"] - counts["pending"] for counts in kinds)
    if not photos:
        raise UserError(f"{name} ended before it came to its photos.")
    calls = {state: children if bulk else tasks.get(state, 0) for state in PHOTO_TASKS}
    calls["CountResults"] = tasks.get("CountResults", 0)
    functions = {}
    for state, count in calls.items():
        if count:
            function = state[0].lower() + state[1:]
            functions[function] = _measure(cloud, execution, f"{service}-{function}", count)
    if bulk:
        transitions = count_transitions(history) + children
        return bill.bulk_usage(photos, children, transitions, functions)
    return Usage(
        photos=photos,
        transitions=count_transitions(history),
        functions=functions,
        s3_gets=calls["SerializeImageData"],
        endpoint_gb=bill.endpoint_gb(photos),
    )


def _measure(cloud: Cloud, execution: dict, name: str, calls: int) -> Function:
    """Return a function's usage: calls times its mean in whole periods, other runs' among them."""
    configuration = cloud.client("lambda").get_function_configuration(FunctionName=name)
    since, until = execution["startDate"], execution["stopDate"]
    period = choose_period(since, until, datetime.now(UTC))

    def add_up(metric: str) -> float:
        points = cloud.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": "FunctionName", "Value": name}],
            StartTime=datetime.fromtimestamp(since.timestamp() // period * period, UTC),
            EndTime=until + timedelta(seconds=period),
            Period=period,
            Statistics=["Sum"],
        )["Datapoints"]
        return sum(point["Sum"] for point in points)

    counted = add_up("Invocations")
    if counted < calls:
        terminal.warn(
            f"Lambda has counted {counted:.0f} of {calls} calls of {name}: its metrics take some "
            "minutes, and in a run that failed some calls may never have been made."
        )
    return Function(
        requests=calls,
        seconds=calls * add_up("Duration") / 1000 / counted if counted else 0,
        memory_mb=configuration["MemorySize"],
        architecture=configuration["Architectures"][0],
    )


def choose_period(since: datetime, until: datetime, now: datetime) -> int:
    """Return the shortest period, in seconds, that CloudWatch has kept and gives in one answer."""
    shortest = next((seconds for kept, seconds in KEPT if now - since < kept), HOUR)
    return shortest * max(math.ceil((until - since).total_seconds() / shortest / MOST_PERIODS), 1)
