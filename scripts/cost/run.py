"""The usage of an execution: its transitions, its functions' times, the endpoint's time."""

from datetime import UTC, datetime

from scripts.cost.amounts import (
    ENDS,
    RESULT_FILES,
    Endpoint,
    Function,
    Usage,
    endpoint_gb,
    express_gb_seconds,
)
from scripts.execution_graph.history import Summary, fetch, read
from service import config, terminal
from service.cloudwatch import choose_period
from service.hosting import Hosting
from service.stack import Cloud, Stack, elapsed_seconds
from service.terminal import UserError

# States of both machines, each named for the function that it calls.
PHOTO_TASKS = ("SerializeImageData", "ClassifyImage", "FilterLowConfidence")


def count_transitions(history: Summary) -> int:
    """Return the transitions of an execution, without those of a Distributed Map's children.

    A retry is a transition too.
    """
    return ENDS + sum(counts.entered + counts.retried for counts in history.states.values())


def measure(cloud: Cloud, stack: Stack, execution: dict) -> Usage:
    """Return the usage of an execution, which is DescribeExecution's answer.

    Transitions and calls of functions are counted in its history and its map runs: retries too,
    but for retries within a batch of `classifyBulk`, which leave no trace. A call takes the
    function's mean in the minutes of the run. Raises UserError for an execution that still runs,
    that came to no photo, or that belongs to another state machine.
    """
    name, machine = execution["name"], execution["stateMachineArn"]
    if execution["status"] == "RUNNING":
        raise UserError(f"{name} still runs. Its bill is complete when it has ended.")
    if machine not in (stack.state_machine, stack.bulk_state_machine):
        raise UserError(f"{name} is no execution of classify or classifyBulk.")
    states = cloud.client("stepfunctions")
    history = read(fetch(states, execution["executionArn"]), ended=True)
    tasks = {name: counts.attempts for name, counts in history.states.items()}
    runs = [states.describe_map_run(mapRunArn=arn) for arn in history.map_runs]
    children = sum(_count_started(run["executionCounts"]) for run in runs)
    photos = (
        sum(_count_started(run["itemCounts"]) for run in runs) if runs else history.items.total()
    )
    if not photos:
        raise UserError(f"{name} ended before it came to its photos.")
    bulk = machine == stack.bulk_state_machine
    calls = {state: children if bulk else tasks.get(state, 0) for state in PHOTO_TASKS}
    calls["CountResults"] = tasks.get("CountResults", 0)
    metrics = Metrics(cloud, execution)
    functions = {}
    for state, count in calls.items():
        if count:
            function = state[0].lower() + state[1:]
            functions[function] = metrics.measure(f"{stack.endpoint}-{function}", count)
    child_seconds = sum(each.seconds for name, each in functions.items() if name != "countResults")
    gets, puts = calls["SerializeImageData"], 0
    if bulk:
        # Each batch's array is written and read, and so are the results; the manifest is read.
        gets, puts = photos + children + 1 + RESULT_FILES, children + RESULT_FILES
    return Usage(
        photos=photos,
        transitions=count_transitions(history) + children,
        express_requests=children,
        express_gb_seconds=express_gb_seconds(children, child_seconds),
        functions=functions,
        s3_gets=gets,
        s3_puts=puts,
        endpoint_gb=endpoint_gb(photos, config.load()["image"]["size"]),
        endpoint=_measure_endpoint(cloud, stack, execution),
    )


class Metrics:
    """CloudWatch's metrics of functions in the time of an execution, widened to whole periods.

    They do not tell runs apart: a mean is of all runs in the same minutes.
    """

    def __init__(self, cloud: Cloud, execution: dict):
        self._cloudwatch, self._lambda = cloud.client("cloudwatch"), cloud.client("lambda")
        self._succeeded = execution["status"] == "SUCCEEDED"
        since, until = execution["startDate"], execution["stopDate"]
        self._period = choose_period(since, until, datetime.now(UTC))
        first, last = (each.timestamp() // self._period for each in (since, until))
        self._since = datetime.fromtimestamp(first * self._period, UTC)
        self._until = datetime.fromtimestamp((last + 1) * self._period, UTC)

    def measure(self, name: str, calls: int) -> Function:
        """Return the usage of a function in an execution, from its number of calls.

        An execution that did not succeed may have made fewer calls: CloudWatch's count bounds them.
        """
        configuration = self._lambda.get_function_configuration(FunctionName=name)
        count = self._sum(name, "Invocations")
        mean = self._sum(name, "Duration") / 1000 / count if count else 0
        if self._succeeded and count < calls:
            terminal.warn(
                f"Lambda has counted {count:.0f} of {calls} calls of {name} so far: its metrics "
                "take some minutes. Ask again."
            )
        requests = calls if self._succeeded else min(calls, int(count))
        return Function(
            requests=requests,
            seconds=requests * mean,
            memory_mb=configuration["MemorySize"],
            architecture=configuration["Architectures"][0],
        )

    def _sum(self, name: str, metric: str) -> float:
        points = self._cloudwatch.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": "FunctionName", "Value": name}],
            StartTime=self._since,
            EndTime=self._until,
            Period=self._period,
            Statistics=["Sum"],
        )["Datapoints"]
        return sum(point["Sum"] for point in points)


def _count_started(counts: dict) -> int:
    return counts["total"] - counts["pending"]


def _measure_endpoint(cloud: Cloud, stack: Stack, execution: dict) -> Endpoint | None:
    """Return the endpoint's instances for the time of the run; None where there is none now."""
    hosting = Hosting(cloud.client("sagemaker"), stack.endpoint)
    instance_type = hosting.instance_type()
    if instance_type is None:
        return None
    variants = hosting.describe()["ProductionVariants"]
    return Endpoint(
        type=instance_type,
        count=sum(each["CurrentInstanceCount"] for each in variants),
        seconds=elapsed_seconds(execution),
    )
